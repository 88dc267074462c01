import { Module } from '@nestjs/common';
import { StaticDataModule } from '../static-data/static-data.module.js';
import { TradesModule } from '../trades/trades.module.js';
import { BusinessDayProcessor } from './business-day.processor.js';
import { ExpectedFilesService } from './expected-files.service.js';
import { FileReaders } from './file-readers.js';
import { FilesRepository } from './files.repository.js';
import { FilesResolver } from './files.resolver.js';
import { FilesService } from './files.service.js';
import { ImportFileProcessor } from './import-file.processor.js';
import { LineReaders } from './line-readers.js';

@Module({
  imports: [StaticDataModule, TradesModule],
  providers: [
    BusinessDayProcessor,
    ExpectedFilesService,
    FileReaders,
    FilesRepository,
    FilesResolver,
    FilesService,
    ImportFileProcessor,
    LineReaders,
  ],
  exports: [ExpectedFilesService, FileReaders],
})
export class FilesModule {}
