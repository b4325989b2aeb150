-- Takes the readable views away; no event is touched.

DROP VIEW event, quotes, trades, instrument;
DROP FUNCTION exact, present, moment;
