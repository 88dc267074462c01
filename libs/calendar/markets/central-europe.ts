import {
  corpusChristi,
  easterMonday,
  friday,
  fromYear,
  goodFriday,
  monday,
  oneOff,
  thursday,
  whitMonday,
} from '../holiday-rules.js';
import { type MarketCalendar } from '../market-calendar.js';
import { dateOf, dayOfWeek, type PlainDate } from '../plain-date.js';

export const czpr: MarketCalendar = {
  id: 'CZPR',
  describes: 'Banks in Prague',
  version: '2026.1',
  sources: ['Zákon č. 245/2000 Sb., §§ 1 and 2; zákon č. 359/2015 Sb. (Good Friday from 2016)'],
  holidays: (year) => [
    dateOf(year, 1, 1),
    ...fromYear(year, 2016, goodFriday(year)),
    easterMonday(year),
    dateOf(year, 5, 1),
    dateOf(year, 5, 8),
    dateOf(year, 7, 5),
    dateOf(year, 7, 6),
    dateOf(year, 9, 28),
    dateOf(year, 10, 28),
    dateOf(year, 11, 17),
    dateOf(year, 12, 24),
    dateOf(year, 12, 25),
    dateOf(year, 12, 26),
  ],
};

/** Days off that a ministerial decree exchanged for a Saturday worked, so that a holiday joins the weekend. */
const hungarianExchanges: readonly PlainDate[] = [
  ...['2009-01-02', '2009-08-21', '2009-12-24', '2010-12-24', '2011-03-14', '2011-10-31'],
  ...['2012-03-16', '2012-04-30', '2012-10-22', '2012-11-02', '2012-12-24', '2012-12-31'],
  ...['2013-08-19', '2013-12-24', '2013-12-27', '2014-05-02', '2014-10-24', '2014-12-24'],
  ...['2015-01-02', '2015-08-21', '2015-12-24', '2016-03-14', '2016-10-31'],
  ...['2018-03-16', '2018-04-30', '2018-10-22', '2018-11-02', '2018-12-24', '2018-12-31'],
  ...['2019-08-19', '2019-12-24', '2019-12-27', '2020-08-21', '2020-12-24', '2021-12-24'],
  ...['2022-03-14', '2022-10-31', '2024-08-19', '2024-12-24', '2024-12-27'],
  ...['2025-05-02', '2025-10-24', '2025-12-24', '2026-01-02', '2026-08-21', '2026-12-24'],
];

export const hubu: MarketCalendar = {
  id: 'HUBU',
  describes: 'Banks in Budapest',
  version: '2026.1',
  sources: [
    'Act I of 2012 on the Labour Code, section 102',
    'Decrees on the exchange of working days, each year (2009–2026)',
  ],
  holidays: (year) => [
    dateOf(year, 1, 1),
    dateOf(year, 3, 15),
    ...fromYear(year, 2017, goodFriday(year)),
    easterMonday(year),
    dateOf(year, 5, 1),
    whitMonday(year),
    dateOf(year, 8, 20),
    dateOf(year, 10, 23),
    dateOf(year, 11, 1),
    dateOf(year, 12, 25),
    dateOf(year, 12, 26),
    ...oneOff(year, hungarianExchanges),
    ...oneOff(year, ['2020-04-10']),
  ],
};

export const plwa: MarketCalendar = {
  id: 'PLWA',
  describes: 'Banks in Warsaw',
  version: '2026.1',
  sources: [
    'Ustawa z 18 stycznia 1951 o dniach wolnych od pracy (Epiphany from 2011, Christmas Eve by law from 2025)',
    'Giełda Papierów Wartościowych, dni bez sesji',
  ],
  holidays: (year) => [
    dateOf(year, 1, 1),
    ...fromYear(year, 2011, dateOf(year, 1, 6)),
    easterMonday(year),
    dateOf(year, 5, 1),
    dateOf(year, 5, 3),
    corpusChristi(year),
    dateOf(year, 8, 15),
    dateOf(year, 11, 1),
    dateOf(year, 11, 11),
    dateOf(year, 12, 24),
    dateOf(year, 12, 25),
    dateOf(year, 12, 26),
    // 31 December is closed where it stands alone between a weekend or holiday and New Year.
    ...([monday, thursday, friday].includes(dayOfWeek(dateOf(year, 12, 31))) ? [dateOf(year, 12, 31)] : []),
    ...oneOff(year, ['2018-11-12']), // a hundred years of independence
  ],
};
