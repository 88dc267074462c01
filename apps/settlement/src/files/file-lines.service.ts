import { Injectable } from '@nestjs/common';
import { type Tx } from '#libs/database/index.js';
import { FilesRepository, type NewFileLine } from './files.repository.js';

export type { NewFileLine } from './files.repository.js';

/** What became of each line of a file, for readers that stand in other features: stored with its effect, so that the lines are the checkpoint. */
@Injectable()
export class FileLinesService {
  constructor(private readonly repository: FilesRepository) {}

  async done(tx: Tx, fileId: string): Promise<{ lastLine: number; counts: Record<string, number> }> {
    return this.repository.linesDone(tx, fileId);
  }

  async add(tx: Tx, fileId: string, lines: readonly NewFileLine[]): Promise<void> {
    await this.repository.insertLines(tx, fileId, lines);
  }
}
