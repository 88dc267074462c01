import { Module } from '@nestjs/common';
import { StaticDataModule } from '../static-data/static-data.module.js';
import { TradesModule } from '../trades/trades.module.js';
import { BusinessDayProcessor } from './business-day.processor.js';
import { ExpectedFilesService } from './expected-files.service.js';
import { FileLinesService } from './file-lines.service.js';
import { FileReadersService } from './file-readers.service.js';
import { FilesRepository } from './files.repository.js';
import { FilesResolver } from './files.resolver.js';
import { FilesService } from './files.service.js';
import { ImportFileProcessor } from './import-file.processor.js';
import { LineReadersService } from './line-readers.service.js';

@Module({
  imports: [StaticDataModule, TradesModule],
  providers: [
    BusinessDayProcessor,
    ExpectedFilesService,
    FileLinesService,
    FileReadersService,
    FilesRepository,
    FilesResolver,
    FilesService,
    ImportFileProcessor,
    LineReadersService,
  ],
  exports: [ExpectedFilesService, FileLinesService, FileReadersService],
})
export class FilesModule {}
