// Messages, handlers and tables that tests send through a real relay and a real worker.
export {
  CollectingSink,
  CountingHandlers,
  ListeningHandlers,
  probeCatalogue,
  ProbeScript,
  probeTables,
  quick,
} from './probe/probe.js';
