import { access, mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { newId } from '#libs/kernel/index.js';

/** Places of settlement and agents, each with a folder of its own. */
export const placeChannels = ['T2S', 'DTC', 'CREST', 'JASDEC', 'FUND'] as const;
export const agentChannels = ['AGENT-EUR', 'AGENT-USD', 'AGENT-GBP', 'AGENT-JPY', 'AGENT-FUNDS'] as const;
export const channels: readonly string[] = [...placeChannels, ...agentChannels];

const exists = (path: string) =>
  access(path).then(
    () => true,
    () => false,
  );

/**
 * `<channel>/to` is what we send, `<channel>/from` what we receive, `<channel>/done` what we have
 * received and stored. A file appears whole or not at all: it is written under another name first.
 */
export class ExchangeFolders {
  constructor(private readonly root: string) {}

  async prepare(): Promise<void> {
    for (const channel of channels) {
      for (const folder of ['to', 'from', 'done']) await mkdir(join(this.root, channel, folder), { recursive: true });
    }
  }

  /** Complete files that wait, oldest name first; none when the channel has no folder yet. */
  async waiting(channel: string): Promise<string[]> {
    const names = await readdir(join(this.root, channel, 'from')).catch(() => [] as string[]);
    return names.filter((name) => name.endsWith('.xml') && !name.startsWith('.')).sort();
  }

  async read(channel: string, name: string): Promise<Buffer> {
    return readFile(join(this.root, channel, 'from', name));
  }

  async putAway(channel: string, name: string, storedName = name): Promise<void> {
    const done = join(this.root, channel, 'done');
    await mkdir(done, { recursive: true });
    await rename(join(this.root, channel, 'from', name), join(done, storedName)).catch((error: unknown) => {
      // Another run of the same reader was faster: the file is where it belongs.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    });
  }

  /** Writing the same file again changes nothing: same name, same bytes. */
  async write(channel: string, name: string, content: Uint8Array): Promise<void> {
    const folder = join(this.root, channel, 'to');
    await mkdir(folder, { recursive: true });
    const path = join(folder, name);
    if ((await exists(path)) || (await exists(join(folder, 'done', name)))) return;
    const unfinished = join(folder, `.${name}.${newId('tmp')}.tmp`);
    await writeFile(unfinished, content, { flush: true });
    await rename(unfinished, path);
  }
}
