-- The archive in words: symbols instead of ids, exact decimals instead of mantissas, times instead of
-- nanoseconds.
--
-- Reason: whoever looks into the archive with psql should see trades, not encodings. Views only: they
-- cost nothing until they are read, and nothing of ours reads them.

CREATE FUNCTION exact(mantissa bigint, exponent integer) RETURNS numeric
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
    CASE WHEN mantissa = '-9223372036854775808'::bigint THEN NULL
         ELSE (mantissa::text || 'e' || exponent::text)::numeric END;
COMMENT ON FUNCTION exact(bigint, integer) IS 'mantissa · 10^exponent, exactly; null for the mantissa that means absent.';

CREATE FUNCTION present(number bigint) RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN nullif(number, '-9223372036854775808'::bigint);
COMMENT ON FUNCTION present(bigint) IS 'The number, or null where it means absent.';

CREATE FUNCTION moment(ns bigint) RETURNS timestamptz
LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
    CASE WHEN ns = '-9223372036854775808'::bigint THEN NULL
         ELSE timestamptz '1970-01-01 00:00:00+00' + (ns / 1000) * interval '1 microsecond' END;
COMMENT ON FUNCTION moment(bigint) IS 'Nanoseconds since 1970 as a time; what is below a microsecond is cut off.';

CREATE VIEW instrument AS
SELECT DISTINCT ON (sequence)
       sequence::integer                                   AS instrument,
       event -> 'instrument' ->> 'symbol'                  AS symbol,
       (event -> 'instrument' ->> 'price_exponent')::int   AS price_exponent,
       (event -> 'instrument' ->> 'size_exponent')::int    AS size_exponent,
       (event -> 'instrument' ->> 'time_unit_ns')::bigint  AS time_unit_ns,
       event -> 'instrument'                               AS definition
  FROM control
 WHERE event ->> 'type' = 'InstrumentDefined' AND sequence >= 0
 ORDER BY sequence, stream, "offset";
COMMENT ON VIEW   instrument                IS 'Instruments and how their numbers are written; from the control events.';
COMMENT ON COLUMN instrument.instrument     IS 'Instrument id: the control sequence of its definition.';
COMMENT ON COLUMN instrument.symbol         IS 'NAME.VENUE.';
COMMENT ON COLUMN instrument.price_exponent IS 'price = mantissa · 10^this.';
COMMENT ON COLUMN instrument.size_exponent  IS 'size = mantissa · 10^this.';
COMMENT ON COLUMN instrument.time_unit_ns   IS 'The venue''s coarsest time unit, ns; identity floors event times to it.';
COMMENT ON COLUMN instrument.definition     IS 'The whole definition.';

CREATE VIEW trades AS
SELECT format('%s%s:%s:%s', s.letter, s.partition, t."offset", t.index) AS position,
       i.symbol,
       moment(t.event_time)               AS event_time,
       exact(t.price, i.price_exponent) AS price,
       exact(t.size, i.size_exponent)   AS size,
       (ARRAY['-', 'buy', 'sell'])[t.aggressor + 1] AS aggressor,
       present(t.venue_seq)               AS venue_seq,
       moment(f.known_at)                 AS known_at,
       s.epoch
  FROM trade t
  JOIN stream s USING (stream)
  JOIN frame f USING (stream, "offset")
  LEFT JOIN instrument i USING (instrument);
COMMENT ON VIEW   trades            IS 'Trades in words.';
COMMENT ON COLUMN trades.position   IS 'Where it stands: market partition, offset, index.';
COMMENT ON COLUMN trades.symbol     IS 'NAME.VENUE.';
COMMENT ON COLUMN trades.event_time IS 'When it happened at the venue, to the microsecond.';
COMMENT ON COLUMN trades.price      IS 'Exact price.';
COMMENT ON COLUMN trades.size       IS 'Exact size.';
COMMENT ON COLUMN trades.aggressor  IS 'Who crossed the spread; - where it is not said.';
COMMENT ON COLUMN trades.venue_seq  IS 'The venue''s sequence.';
COMMENT ON COLUMN trades.known_at   IS 'When this ledger knew it.';
COMMENT ON COLUMN trades.epoch      IS 'Epoch of the position.';

CREATE VIEW quotes AS
SELECT format('%s%s:%s:%s', s.letter, s.partition, q."offset", q.index) AS position,
       i.symbol,
       moment(q.event_time)                 AS event_time,
       exact(q.bid, i.price_exponent)     AS bid,
       exact(q.bid_size, i.size_exponent) AS bid_size,
       exact(q.ask, i.price_exponent)     AS ask,
       exact(q.ask_size, i.size_exponent) AS ask_size,
       moment(f.known_at)                   AS known_at,
       s.epoch
  FROM quote q
  JOIN stream s USING (stream)
  JOIN frame f USING (stream, "offset")
  LEFT JOIN instrument i USING (instrument);
COMMENT ON VIEW   quotes            IS 'Quotes in words; null is a side that is absent.';
COMMENT ON COLUMN quotes.position   IS 'Where it stands: market partition, offset, index.';
COMMENT ON COLUMN quotes.symbol     IS 'NAME.VENUE.';
COMMENT ON COLUMN quotes.event_time IS 'When it happened at the venue, to the microsecond.';
COMMENT ON COLUMN quotes.bid        IS 'Exact bid price.';
COMMENT ON COLUMN quotes.bid_size   IS 'Exact bid size.';
COMMENT ON COLUMN quotes.ask        IS 'Exact ask price.';
COMMENT ON COLUMN quotes.ask_size   IS 'Exact ask size.';
COMMENT ON COLUMN quotes.known_at   IS 'When this ledger knew it.';
COMMENT ON COLUMN quotes.epoch      IS 'Epoch of the position.';

CREATE VIEW event AS
WITH every (stream, "offset", index, kind, instrument, event_ns, payload) AS (
    SELECT t.stream, t."offset", t.index, 'trade', t.instrument, t.event_time,
           jsonb_build_object('price', exact(t.price, i.price_exponent),
               'size', exact(t.size, i.size_exponent),
               'aggressor', (ARRAY['-', 'buy', 'sell'])[t.aggressor + 1], 'id', t.id,
               'venue_seq', present(t.venue_seq), 'source_seq', present(t.source_seq),
               'received_at', present(t.received_at), 'conditions', t.conditions, 'flags', t.flags)
      FROM trade t LEFT JOIN instrument i USING (instrument)
    UNION ALL
    SELECT q.stream, q."offset", q.index, 'quote', q.instrument, q.event_time,
           jsonb_build_object('bid', exact(q.bid, i.price_exponent),
               'ask', exact(q.ask, i.price_exponent),
               'bid_size', exact(q.bid_size, i.size_exponent),
               'ask_size', exact(q.ask_size, i.size_exponent), 'id', q.id,
               'venue_seq', present(q.venue_seq), 'source_seq', present(q.source_seq),
               'received_at', present(q.received_at), 'conditions', q.conditions, 'flags', q.flags)
      FROM quote q LEFT JOIN instrument i USING (instrument)
    UNION ALL
    SELECT b.stream, b."offset", b.index, 'bar', b.instrument, b.event_time,
           jsonb_build_object('interval_ns', b.interval,
               'open', exact(b.open, i.price_exponent), 'high', exact(b.high, i.price_exponent),
               'low', exact(b.low, i.price_exponent), 'close', exact(b.close, i.price_exponent),
               'volume', exact(b.volume, i.size_exponent),
               'taker_buy_volume', exact(b.taker_buy_volume, i.size_exponent),
               'trade_count', present(b.trade_count), 'id', b.id,
               'venue_seq', present(b.venue_seq), 'source_seq', present(b.source_seq),
               'received_at', present(b.received_at), 'conditions', b.conditions, 'flags', b.flags)
      FROM bar b LEFT JOIN instrument i USING (instrument)
    UNION ALL
    SELECT a.stream, a."offset", a.index, 'amend', a.instrument, a.target_time,
           jsonb_build_object('action', (ARRAY['correct', 'bust', 'reinstate'])[a.action],
               'target_kind', (ARRAY['trade', 'quote', 'bar'])[a.target_kind],
               'target_id', a.target_id, 'action_time', a.action_time, 'id', a.id,
               'mantissas', (SELECT jsonb_agg(present(m)) FROM unnest(a.fields) m),
               'source_seq', present(a.source_seq), 'received_at', present(a.received_at),
               'conditions', a.conditions, 'flags', a.flags)
      FROM amend a
    UNION ALL
    SELECT g.stream, g."offset", g.index, 'gap', g.instrument, g.time_before,
           jsonb_build_object('feed', (ARRAY['trade', 'quote', 'bar'])[g.feed],
               'state', (ARRAY['open', 'closed'])[g.state], 'first_seq', g.first_seq,
               'last_seq', g.last_seq, 'time_after', g.time_after)
      FROM gap g
    UNION ALL
    SELECT c.stream, c."offset", c.index, 'clock', c.instrument, c.time,
           jsonb_build_object('feed', (ARRAY['trade', 'quote', 'bar'])[c.feed],
               'interval_ns', nullif(c.interval, 0))
      FROM clock c
    UNION ALL
    SELECT h.stream, h."offset", h.index, 'heartbeat', NULL, NULL,
           jsonb_build_object('sent_at', h.sent_at, 'control_through', h.control_through,
               'reason', (ARRAY['started', 'active', 'quiet', 'idle', 'requested', 'stopped'])[h.reason])
      FROM heartbeat h
    UNION ALL
    SELECT f.stream, f."offset", f.index, 'feature', f.instrument, f.start,
           jsonb_build_object('view', f.view, 'end', f."end", 'revision', f.revision,
               'flags', f.flags, 'cause', f.cause, 'ordinal', f.ordinal,
               'values', (SELECT jsonb_agg(CASE WHEN v = 'NaN' THEN NULL
                                                WHEN v IN ('Infinity', '-Infinity') THEN to_jsonb(v::text)
                                                ELSE to_jsonb(v) END) FROM unnest(f."values") v))
      FROM feature f
    UNION ALL
    SELECT p.stream, p."offset", p.index, 'progress', NULL, NULL,
           jsonb_build_object('view', p.view, 'cause', p.cause, 'restate', p.restate,
               'admitted', p.admitted, 'digest', encode(p.digest, 'hex'), 'flags', p.flags)
      FROM progress p
    UNION ALL
    SELECT c.stream, c."offset", c.index, 'control', NULL, NULL,
           c.event || jsonb_build_object('sequence', c.sequence, 'accepted', c.accepted)
      FROM control c
)
SELECT s.epoch, s.letter, s.partition, e."offset", e.index,
       format('%s%s:%s:%s', s.letter, s.partition, e."offset", e.index) AS position,
       e.kind,
       i.symbol,
       moment(e.event_ns) AS event_time,
       moment(f.known_at) AS known_at,
       e.payload
  FROM every e
  JOIN stream s USING (stream)
  JOIN frame f USING (stream, "offset")
  LEFT JOIN instrument i USING (instrument);
COMMENT ON VIEW   event            IS 'Every event of every kind, in words; filter by letter, partition and offset.';
COMMENT ON COLUMN event.epoch      IS 'Epoch of the position; 0 for the control topic.';
COMMENT ON COLUMN event.letter     IS 'm market, f features, c control.';
COMMENT ON COLUMN event.partition  IS 'Kafka partition.';
COMMENT ON COLUMN event."offset"   IS 'Kafka offset of the record.';
COMMENT ON COLUMN event.index      IS 'Place inside the record, from 0.';
COMMENT ON COLUMN event.position   IS 'Where it stands, such as m2:9031:17.';
COMMENT ON COLUMN event.kind       IS 'What it is.';
COMMENT ON COLUMN event.symbol     IS 'NAME.VENUE, where it speaks of one instrument.';
COMMENT ON COLUMN event.event_time IS 'When it happened, to the microsecond; a feature''s bar start, an amend''s target, a gap''s first neighbour.';
COMMENT ON COLUMN event.known_at   IS 'When this ledger knew it.';
COMMENT ON COLUMN event.payload    IS 'What it says; decimals are exact, times are ns since 1970 UTC, infinities are strings.';

GRANT SELECT ON instrument, trades, quotes, event TO :reader, :writer;
REVOKE EXECUTE ON FUNCTION exact(bigint, integer), present(bigint), moment(bigint) FROM PUBLIC;
GRANT EXECUTE ON FUNCTION exact(bigint, integer), present(bigint), moment(bigint) TO :reader, :writer;
