import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The folders through which files come and go: `<channel>/to` is what we receive, `<channel>/from` what we send. */
export class ExchangeFolders {
  constructor(
    private readonly root: string,
    readonly channels: readonly string[],
  ) {
    for (const channel of channels) {
      for (const folder of ['to', 'from']) mkdirSync(join(root, channel, folder), { recursive: true });
    }
  }

  /** Names of complete files waiting in a channel, in order. A name with a leading dot or `.tmp` is still being written. */
  received(channel: string): string[] {
    return readdirSync(join(this.root, channel, 'to'))
      .filter((name) => name.endsWith('.xml') && !name.startsWith('.'))
      .sort();
  }

  read(channel: string, name: string): string {
    return readFileSync(join(this.root, channel, 'to', name), 'utf8');
  }

  /** Writes whole or not at all; a file that was already sent, read or not, is not sent again. */
  send(channel: string, name: string, content: string): boolean {
    const folder = join(this.root, channel, 'from');
    const path = join(folder, name);
    if (
      existsSync(path) ||
      existsSync(join(folder, 'done', name)) ||
      existsSync(join(this.root, channel, 'done', name))
    )
      return false;
    const unfinished = join(folder, `.${name}.tmp`);
    writeFileSync(unfinished, content);
    renameSync(unfinished, path);
    return true;
  }
}
