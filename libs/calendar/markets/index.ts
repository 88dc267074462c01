import { type MarketCalendar } from '../market-calendar.js';
import { ausy } from './australia.js';
import { brbd } from './brazil.js';
import { camo, cato } from './canada.js';
import { czpr, hubu, plwa } from './central-europe.js';
import { xams, xpar } from './euronext.js';
import { frpa } from './france.js';
import { defr, xetr } from './germany.js';
import { jasdec, jpto, xtks } from './japan.js';
import { mxmc } from './mexico.js';
import { nzau, nzbd, nzwe } from './new-zealand.js';
import { dkco, noos, sest } from './nordics.js';
import { zajo } from './south-africa.js';
import { chzu } from './switzerland.js';
import { t2s } from './t2s.js';
import { target } from './target.js';
import { crest, gblo, xlon } from './united-kingdom.js';
import { dtc, nyfd, usgs, usny, xnys } from './united-states.js';

/** A new market is a file here and an entry in this list. */
export const markets: readonly MarketCalendar[] = [
  ...[target, t2s, xetr, defr, xpar, xams, frpa, chzu],
  ...[gblo, xlon, crest],
  ...[usny, nyfd, xnys, dtc, usgs, cato, camo, mxmc, brbd],
  ...[jpto, xtks, jasdec, ausy, nzbd, nzau, nzwe],
  ...[dkco, noos, sest, czpr, hubu, plwa, zajo],
];
