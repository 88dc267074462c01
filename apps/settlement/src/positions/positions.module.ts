import { Module } from '@nestjs/common';
import { PositionsResolver } from './positions.resolver.js';
import { PositionsService } from './positions.service.js';

@Module({ providers: [PositionsService, PositionsResolver], exports: [PositionsService] })
export class PositionsModule {}
