-- The archive: every record of every topic, for ever.
--
-- Reason: Kafka keeps records for days, the ledger keeps them for good. One row per event, typed, so
-- that it reads well here and that the exact bytes of a record can be rebuilt from its rows: nothing
-- is stored twice. One row per record in `frame`, which proves that no offset is missing.
--
-- Event tables are append-only: nobody may UPDATE, DELETE or TRUNCATE them, by privilege and by
-- trigger. Tables whose comment begins with "Working table" may be rewritten; all of them but
-- `quarantine` could be computed again from the events.
--
-- Columns stand in an order without padding between them; on a year of ticks that is a tenth of
-- the disk. Event tables are partitioned by stream (one partition of one topic), one writer each.
--
-- Run as the role {prefix}_owner, in the schema {prefix}; :reader and :writer are its sister roles.

-- ---- what this ledger is ---------------------------------------------------------------------

CREATE TABLE ledger (
    id     uuid    NOT NULL,
    single boolean NOT NULL DEFAULT true PRIMARY KEY CHECK (single)
);
COMMENT ON TABLE  ledger        IS 'Which ledger this is: one row, written once.';
COMMENT ON COLUMN ledger.id     IS 'The ledger id: 16 random bytes, also in EpochStarted and in every cut, receipt and export.';
COMMENT ON COLUMN ledger.single IS 'Always true: its key keeps the table at one row.';

CREATE TABLE stream (
    stream    smallint NOT NULL PRIMARY KEY,
    epoch     integer  NOT NULL CHECK (epoch >= 0),
    letter    text     NOT NULL CHECK (letter IN ('m', 'f', 'c')),
    partition integer  NOT NULL CHECK (partition >= 0),
    topic     text     NOT NULL,
    topic_id  text     NOT NULL,
    UNIQUE (letter, epoch, partition)
);
COMMENT ON TABLE  stream           IS 'The partitions of topics this archive holds; written when topics are made, never changed.';
COMMENT ON COLUMN stream.stream    IS 'A small number for one partition of one topic of one epoch; the archive is partitioned by it.';
COMMENT ON COLUMN stream.epoch     IS 'Epoch of the topic; 0 for the control topic, which lives through all epochs.';
COMMENT ON COLUMN stream.letter    IS 'm market, f features, c control: the first letter of a position such as m2:9031:17.';
COMMENT ON COLUMN stream.partition IS 'Kafka partition inside the topic.';
COMMENT ON COLUMN stream.topic     IS 'Name of the Kafka topic.';
COMMENT ON COLUMN stream.topic_id  IS 'The broker''s id of the topic: another one means the topic was made again (I5).';

-- ---- events ----------------------------------------------------------------------------------

CREATE TABLE frame (
    stream      smallint NOT NULL,
    kind        smallint NOT NULL,
    count       integer  NOT NULL,
    "offset"    bigint   NOT NULL,
    event_first bigint   NOT NULL,
    event_last  bigint   NOT NULL,
    stamp       bigint   NOT NULL,
    known_at    bigint   NOT NULL,
    repeat_of   bigint   NOT NULL,
    leaf        bytea    NOT NULL CHECK (octet_length(leaf) = 32),
    header      bytea    NOT NULL CHECK (octet_length(header) = 64)
) PARTITION BY LIST (stream);
COMMENT ON TABLE  frame             IS 'The manifest: one row per Kafka offset, without a hole.';
COMMENT ON COLUMN frame.stream      IS 'Which partition of which topic (table stream).';
COMMENT ON COLUMN frame.kind        IS 'What the record holds: 1 trade, 2 quote, 3 bar, 4 amend, 5 gap, 6 clock, 7 heartbeat, 16 feature, 17 progress, 32 control; 0 undecodable, -1 newer than the archiver, -2 void (an offset without a record, such as a transaction marker).';
COMMENT ON COLUMN frame.count       IS 'How many events the record holds; 0 where it was not decoded.';
COMMENT ON COLUMN frame."offset"    IS 'Kafka offset.';
COMMENT ON COLUMN frame.event_first IS 'Earliest event time inside, ns since 1970 UTC; greater than event_last where events have no time.';
COMMENT ON COLUMN frame.event_last  IS 'Latest event time inside, ns since 1970 UTC.';
COMMENT ON COLUMN frame.stamp       IS 'The broker''s append time as it was, ns since 1970 UTC; 0 for a void offset.';
COMMENT ON COLUMN frame.known_at    IS 'When this ledger knew it: the greatest stamp up to here in this stream, ns since 1970 UTC.';
COMMENT ON COLUMN frame.repeat_of   IS 'Offset of the first copy when every key in this feature frame was known already (its rows are not stored again); else -1.';
COMMENT ON COLUMN frame.leaf        IS 'SHA-256 of a zero byte and the record''s exact bytes: the leaf of the proof tree; zeros for a void offset.';
COMMENT ON COLUMN frame.header      IS 'The record''s first 64 bytes; with its rows they are the whole record. Zeros where frame_raw holds the record or there is none.';

CREATE TABLE frame_raw (
    stream   smallint NOT NULL,
    "offset" bigint   NOT NULL,
    reason   text     NOT NULL,
    raw      bytea    NOT NULL
) PARTITION BY LIST (stream);
COMMENT ON TABLE  frame_raw          IS 'Records kept as bytes because rows cannot give them back.';
COMMENT ON COLUMN frame_raw.stream   IS 'Which partition of which topic (table stream).';
COMMENT ON COLUMN frame_raw."offset" IS 'Kafka offset.';
COMMENT ON COLUMN frame_raw.reason   IS 'Why: what the decoder said, "newer: …", "misplaced: …", or for a feature frame "diverged" (known keys, other bits) or "overlap" (some keys known).';
COMMENT ON COLUMN frame_raw.raw      IS 'The record''s exact bytes.';

CREATE TABLE trade (
    stream      smallint NOT NULL,
    index       smallint NOT NULL,
    instrument  integer  NOT NULL,
    "offset"    bigint   NOT NULL,
    event_time  bigint   NOT NULL,
    received_at bigint   NOT NULL,
    price       bigint   NOT NULL,
    size        bigint   NOT NULL,
    id          uuid     NOT NULL,
    venue_seq   bigint   NOT NULL,
    source_seq  bigint   NOT NULL,
    conditions  bigint   NOT NULL,
    flags       integer  NOT NULL,
    aggressor   smallint NOT NULL
) PARTITION BY LIST (stream);
COMMENT ON TABLE  trade             IS 'Trades as they were appended, repeats included; view trades shows them in words.';
COMMENT ON COLUMN trade.stream      IS 'Which partition of which topic (table stream).';
COMMENT ON COLUMN trade.index       IS 'Place inside the record, from 0.';
COMMENT ON COLUMN trade.instrument  IS 'Instrument id (view instrument).';
COMMENT ON COLUMN trade."offset"    IS 'Kafka offset of the record.';
COMMENT ON COLUMN trade.event_time  IS 'When it happened at the venue, ns since 1970 UTC.';
COMMENT ON COLUMN trade.received_at IS 'When the source says it received it, ns; -9223372036854775808 where it does not say.';
COMMENT ON COLUMN trade.price       IS 'Mantissa: price = this · 10^price_exponent of the instrument.';
COMMENT ON COLUMN trade.size        IS 'Mantissa: size = this · 10^size_exponent of the instrument; 0 is kept but is in no bar.';
COMMENT ON COLUMN trade.id          IS 'id16: the venue''s id within its namespace, or a digest of the content.';
COMMENT ON COLUMN trade.venue_seq   IS 'The venue''s sequence; -9223372036854775808 where there is none.';
COMMENT ON COLUMN trade.source_seq  IS 'The source''s own sequence; -9223372036854775808 where there is none.';
COMMENT ON COLUMN trade.conditions  IS 'Sale conditions, 64 bits of an unsigned number.';
COMMENT ON COLUMN trade.flags       IS 'Remarks: 1 size 0, 2 far price, 4 crossed, 8 time from receipt, 16 the source calls it suspicious.';
COMMENT ON COLUMN trade.aggressor   IS 'Who crossed the spread: 0 not said, 1 buyer, 2 seller.';

CREATE TABLE quote (
    stream      smallint NOT NULL,
    index       smallint NOT NULL,
    instrument  integer  NOT NULL,
    "offset"    bigint   NOT NULL,
    event_time  bigint   NOT NULL,
    received_at bigint   NOT NULL,
    bid         bigint   NOT NULL,
    ask         bigint   NOT NULL,
    bid_size    bigint   NOT NULL,
    ask_size    bigint   NOT NULL,
    id          uuid     NOT NULL,
    venue_seq   bigint   NOT NULL,
    source_seq  bigint   NOT NULL,
    conditions  bigint   NOT NULL,
    flags       integer  NOT NULL
) PARTITION BY LIST (stream);
COMMENT ON TABLE  quote             IS 'Best quotes as they were appended, repeats included; view quotes shows them in words.';
COMMENT ON COLUMN quote.stream      IS 'Which partition of which topic (table stream).';
COMMENT ON COLUMN quote.index       IS 'Place inside the record, from 0.';
COMMENT ON COLUMN quote.instrument  IS 'Instrument id (view instrument).';
COMMENT ON COLUMN quote."offset"    IS 'Kafka offset of the record.';
COMMENT ON COLUMN quote.event_time  IS 'When it happened at the venue, ns since 1970 UTC.';
COMMENT ON COLUMN quote.received_at IS 'When the source says it received it, ns; -9223372036854775808 where it does not say.';
COMMENT ON COLUMN quote.bid         IS 'Mantissa of the bid price; -9223372036854775808 where that side is absent.';
COMMENT ON COLUMN quote.ask         IS 'Mantissa of the ask price; -9223372036854775808 where that side is absent.';
COMMENT ON COLUMN quote.bid_size    IS 'Mantissa of the bid size; -9223372036854775808 where it is absent.';
COMMENT ON COLUMN quote.ask_size    IS 'Mantissa of the ask size; -9223372036854775808 where it is absent.';
COMMENT ON COLUMN quote.id          IS 'id16: the venue''s id within its namespace, or a digest of the content.';
COMMENT ON COLUMN quote.venue_seq   IS 'The venue''s sequence; -9223372036854775808 where there is none.';
COMMENT ON COLUMN quote.source_seq  IS 'The source''s own sequence; -9223372036854775808 where there is none.';
COMMENT ON COLUMN quote.conditions  IS 'Quote conditions, 64 bits of an unsigned number.';
COMMENT ON COLUMN quote.flags       IS 'Remarks: 1 size 0, 2 far price, 4 crossed, 8 time from receipt, 16 the source calls it suspicious.';

CREATE TABLE bar (
    stream           smallint NOT NULL,
    index            smallint NOT NULL,
    instrument       integer  NOT NULL,
    "offset"         bigint   NOT NULL,
    event_time       bigint   NOT NULL,
    received_at      bigint   NOT NULL,
    interval         bigint   NOT NULL,
    open             bigint   NOT NULL,
    high             bigint   NOT NULL,
    low              bigint   NOT NULL,
    close            bigint   NOT NULL,
    volume           bigint   NOT NULL,
    taker_buy_volume bigint   NOT NULL,
    trade_count      bigint   NOT NULL,
    id               uuid     NOT NULL,
    venue_seq        bigint   NOT NULL,
    source_seq       bigint   NOT NULL,
    conditions       bigint   NOT NULL,
    flags            integer  NOT NULL
) PARTITION BY LIST (stream);
COMMENT ON TABLE  bar                  IS 'Imported bars as they were appended, repeats included. Bars the ledger folds itself are features.';
COMMENT ON COLUMN bar.stream           IS 'Which partition of which topic (table stream).';
COMMENT ON COLUMN bar.index            IS 'Place inside the record, from 0.';
COMMENT ON COLUMN bar.instrument       IS 'Instrument id (view instrument).';
COMMENT ON COLUMN bar."offset"         IS 'Kafka offset of the record.';
COMMENT ON COLUMN bar.event_time       IS 'End of the bar, ns since 1970 UTC; the bar holds [event_time - interval, event_time).';
COMMENT ON COLUMN bar.received_at      IS 'When the source says it received it, ns; -9223372036854775808 where it does not say.';
COMMENT ON COLUMN bar.interval         IS 'Length of the bar, ns.';
COMMENT ON COLUMN bar.open             IS 'Mantissa of the first price.';
COMMENT ON COLUMN bar.high             IS 'Mantissa of the highest price.';
COMMENT ON COLUMN bar.low              IS 'Mantissa of the lowest price.';
COMMENT ON COLUMN bar.close            IS 'Mantissa of the last price.';
COMMENT ON COLUMN bar.volume           IS 'Mantissa of the volume; -9223372036854775808 where it is absent.';
COMMENT ON COLUMN bar.taker_buy_volume IS 'Mantissa of the volume bought by takers; -9223372036854775808 where it is absent.';
COMMENT ON COLUMN bar.trade_count      IS 'Number of trades; -9223372036854775808 where it is absent.';
COMMENT ON COLUMN bar.id               IS 'id16: the venue''s id within its namespace, or a digest of the content.';
COMMENT ON COLUMN bar.venue_seq        IS 'The venue''s sequence; -9223372036854775808 where there is none.';
COMMENT ON COLUMN bar.source_seq       IS 'The source''s own sequence; -9223372036854775808 where there is none.';
COMMENT ON COLUMN bar.conditions       IS 'Conditions, 64 bits of an unsigned number.';
COMMENT ON COLUMN bar.flags            IS 'Remarks: 1 size 0, 2 far price, 4 crossed, 8 time from receipt, 16 the source calls it suspicious.';

CREATE TABLE amend (
    stream      smallint NOT NULL,
    index       smallint NOT NULL,
    instrument  integer  NOT NULL,
    "offset"    bigint   NOT NULL,
    action_time bigint   NOT NULL,
    received_at bigint   NOT NULL,
    target_time bigint   NOT NULL,
    target_id   uuid     NOT NULL,
    id          uuid     NOT NULL,
    fields      bigint[] NOT NULL CHECK (array_length(fields, 1) = 8),
    source_seq  bigint   NOT NULL,
    conditions  bigint   NOT NULL,
    flags       integer  NOT NULL,
    target_kind smallint NOT NULL,
    action      smallint NOT NULL,
    aggressor   smallint NOT NULL
) PARTITION BY LIST (stream);
COMMENT ON TABLE  amend             IS 'Corrections, busts and reinstatements; they take effect at the next restate.';
COMMENT ON COLUMN amend.stream      IS 'Which partition of which topic (table stream).';
COMMENT ON COLUMN amend.index       IS 'Place inside the record, from 0.';
COMMENT ON COLUMN amend.instrument  IS 'Instrument id (view instrument).';
COMMENT ON COLUMN amend."offset"    IS 'Kafka offset of the record.';
COMMENT ON COLUMN amend.action_time IS 'When the venue acted, ns since 1970 UTC; the greatest wins.';
COMMENT ON COLUMN amend.received_at IS 'When the source says it received it, ns; -9223372036854775808 where it does not say.';
COMMENT ON COLUMN amend.target_time IS 'Event time of the fact it amends, ns since 1970 UTC.';
COMMENT ON COLUMN amend.target_id   IS 'id16 of the fact it amends.';
COMMENT ON COLUMN amend.id          IS 'id16 of the amend itself.';
COMMENT ON COLUMN amend.fields      IS 'The corrected mantissas in the order of the target''s fields; -9223372036854775808 where unchanged or unused.';
COMMENT ON COLUMN amend.source_seq  IS 'The source''s own sequence; -9223372036854775808 where there is none.';
COMMENT ON COLUMN amend.conditions  IS 'Corrected conditions, 64 bits of an unsigned number.';
COMMENT ON COLUMN amend.flags       IS 'Remarks.';
COMMENT ON COLUMN amend.target_kind IS 'What it amends: 1 trade, 2 quote, 3 bar.';
COMMENT ON COLUMN amend.action      IS '1 correct, 2 bust, 3 reinstate.';
COMMENT ON COLUMN amend.aggressor   IS 'Corrected aggressor: 0 not said, 1 buyer, 2 seller.';

CREATE TABLE gap (
    stream      smallint NOT NULL,
    index       smallint NOT NULL,
    instrument  integer  NOT NULL,
    "offset"    bigint   NOT NULL,
    first_seq   bigint   NOT NULL,
    last_seq    bigint   NOT NULL,
    time_before bigint   NOT NULL,
    time_after  bigint   NOT NULL,
    id          uuid     NOT NULL,
    flags       integer  NOT NULL,
    feed        smallint NOT NULL,
    state       smallint NOT NULL
) PARTITION BY LIST (stream);
COMMENT ON TABLE  gap             IS 'Ranges of venue sequences that did not arrive, and their closing.';
COMMENT ON COLUMN gap.stream      IS 'Which partition of which topic (table stream).';
COMMENT ON COLUMN gap.index       IS 'Place inside the record, from 0.';
COMMENT ON COLUMN gap.instrument  IS 'Instrument id (view instrument).';
COMMENT ON COLUMN gap."offset"    IS 'Kafka offset of the record.';
COMMENT ON COLUMN gap.first_seq   IS 'First missing sequence.';
COMMENT ON COLUMN gap.last_seq    IS 'Last missing sequence.';
COMMENT ON COLUMN gap.time_before IS 'Event time of the neighbour before, ns since 1970 UTC.';
COMMENT ON COLUMN gap.time_after  IS 'Event time of the neighbour after, ns since 1970 UTC.';
COMMENT ON COLUMN gap.id          IS 'id16: the range itself.';
COMMENT ON COLUMN gap.flags       IS 'Remarks.';
COMMENT ON COLUMN gap.feed        IS 'Which feed: 1 trades, 2 quotes, 3 bars.';
COMMENT ON COLUMN gap.state       IS '1 open, 2 closed.';

CREATE TABLE clock (
    stream     smallint NOT NULL,
    index      smallint NOT NULL,
    instrument integer  NOT NULL,
    "offset"   bigint   NOT NULL,
    time       bigint   NOT NULL,
    interval   bigint   NOT NULL,
    feed       smallint NOT NULL
) PARTITION BY LIST (stream);
COMMENT ON TABLE  clock            IS 'Promises that nothing of a feed before a time will follow; they close quiet bars.';
COMMENT ON COLUMN clock.stream     IS 'Which partition of which topic (table stream).';
COMMENT ON COLUMN clock.index      IS 'Place inside the record, from 0.';
COMMENT ON COLUMN clock.instrument IS 'Instrument id (view instrument).';
COMMENT ON COLUMN clock."offset"   IS 'Kafka offset of the record.';
COMMENT ON COLUMN clock.time       IS 'Nothing of this feed before this time follows, ns since 1970 UTC.';
COMMENT ON COLUMN clock.interval   IS 'Interval of the bars, ns, where the feed is imported bars; else 0.';
COMMENT ON COLUMN clock.feed       IS 'Which feed: 1 trades, 2 quotes, 3 bars.';

CREATE TABLE heartbeat (
    stream          smallint NOT NULL,
    index           smallint NOT NULL,
    "offset"        bigint   NOT NULL,
    sent_at         bigint   NOT NULL,
    control_through bigint   NOT NULL,
    reason          smallint NOT NULL
) PARTITION BY LIST (stream);
COMMENT ON TABLE  heartbeat                 IS 'Signs of life of the relay; they move a quiet partition past a time.';
COMMENT ON COLUMN heartbeat.stream          IS 'Which partition of which topic (table stream).';
COMMENT ON COLUMN heartbeat.index           IS 'Place inside the record, from 0.';
COMMENT ON COLUMN heartbeat."offset"        IS 'Kafka offset of the record.';
COMMENT ON COLUMN heartbeat.sent_at         IS 'Clock of the sender, ns since 1970 UTC; for people only.';
COMMENT ON COLUMN heartbeat.control_through IS 'Last control sequence the relay had read.';
COMMENT ON COLUMN heartbeat.reason          IS '1 started, 2 active, 3 quiet, 4 idle, 5 requested, 6 stopped.';

CREATE TABLE control (
    stream   smallint NOT NULL,
    index    smallint NOT NULL,
    accepted boolean  NOT NULL,
    "offset" bigint   NOT NULL,
    sequence bigint   NOT NULL,
    event    jsonb    NOT NULL,
    body     bytea    NOT NULL
) PARTITION BY LIST (stream);
COMMENT ON TABLE  control          IS 'Control events, and their in-band copies in the market partitions.';
COMMENT ON COLUMN control.stream   IS 'Which partition of which topic (table stream).';
COMMENT ON COLUMN control.index    IS 'Always 0: a control record holds one event.';
COMMENT ON COLUMN control.accepted IS 'Whether folds take it: in the control topic the events this version can read, in a market partition the copy that is next in sequence.';
COMMENT ON COLUMN control."offset" IS 'Kafka offset of the record.';
COMMENT ON COLUMN control.sequence IS 'Control sequence: the event''s number in the control topic; -1 where it has none.';
COMMENT ON COLUMN control.event    IS 'The event, to query.';
COMMENT ON COLUMN control.body     IS 'The event''s exact bytes, canonical JSON.';

CREATE TABLE feature (
    stream     smallint NOT NULL,
    index      smallint NOT NULL,
    instrument integer  NOT NULL,
    "offset"   bigint   NOT NULL,
    cause      bigint   NOT NULL,
    ordinal    bigint   NOT NULL,
    start      bigint   NOT NULL,
    "end"      bigint   NOT NULL,
    view       integer  NOT NULL,
    revision   integer  NOT NULL,
    flags      integer  NOT NULL,
    "values"   double precision[] NOT NULL
) PARTITION BY LIST (stream);
COMMENT ON TABLE  feature            IS 'Feature rows as they were computed; each key once, every revision kept.';
COMMENT ON COLUMN feature.stream     IS 'Which partition of which topic (table stream).';
COMMENT ON COLUMN feature.index      IS 'Place inside the record, from 0.';
COMMENT ON COLUMN feature.instrument IS 'Instrument id (view instrument).';
COMMENT ON COLUMN feature."offset"   IS 'Kafka offset of the record in the features topic.';
COMMENT ON COLUMN feature.cause      IS 'Offset of the market frame that caused it.';
COMMENT ON COLUMN feature.ordinal    IS 'Number of the row among those of its view and cause, from 0.';
COMMENT ON COLUMN feature.start      IS 'Start of the bar, ns since 1970 UTC.';
COMMENT ON COLUMN feature."end"      IS 'End of the bar, ns since 1970 UTC.';
COMMENT ON COLUMN feature.view       IS 'View id: the control sequence of its registration.';
COMMENT ON COLUMN feature.revision   IS '0 first; one more each time later knowledge changed it.';
COMMENT ON COLUMN feature.flags      IS 'Ready, tainted, withdrawn and other marks of the row.';
COMMENT ON COLUMN feature."values"   IS 'The features in the order of the view''s outputs; NaN where there is no value.';

CREATE TABLE progress (
    stream   smallint NOT NULL,
    index    smallint NOT NULL,
    view     integer  NOT NULL,
    "offset" bigint   NOT NULL,
    cause    bigint   NOT NULL,
    ordinal  bigint   NOT NULL,
    restate  bigint   NOT NULL,
    admitted bigint   NOT NULL,
    digest   bytea    NOT NULL CHECK (octet_length(digest) = 32),
    flags    integer  NOT NULL
) PARTITION BY LIST (stream);
COMMENT ON TABLE  progress          IS 'How far a worker has come in a partition, as part of the log.';
COMMENT ON COLUMN progress.stream   IS 'Which partition of which topic (table stream).';
COMMENT ON COLUMN progress.index    IS 'Place inside the record, from 0.';
COMMENT ON COLUMN progress.view     IS 'View id: the control sequence of its registration.';
COMMENT ON COLUMN progress."offset" IS 'Kafka offset of the record in the features topic.';
COMMENT ON COLUMN progress.cause    IS 'Everything the market partition holds up to this offset is folded.';
COMMENT ON COLUMN progress.ordinal  IS 'Number of the row among those of its cause, from 0.';
COMMENT ON COLUMN progress.restate  IS 'Restate id in force; -1 for none.';
COMMENT ON COLUMN progress.admitted IS 'Admitted cut in force: its offset in this partition.';
COMMENT ON COLUMN progress.digest   IS 'SHA-256 of the fold''s state where it is due, else zeros.';
COMMENT ON COLUMN progress.flags    IS 'Marks of the row.';

-- ---- working tables --------------------------------------------------------------------------

CREATE TABLE sink (
    stream          smallint NOT NULL PRIMARY KEY REFERENCES stream,
    next_offset     bigint   NOT NULL DEFAULT 0,
    fence           bigint   NOT NULL DEFAULT 0,
    known_at        bigint   NOT NULL DEFAULT 0,
    control_through bigint   NOT NULL DEFAULT -1,
    key_cause       bigint   NOT NULL DEFAULT -1,
    key_view        integer  NOT NULL DEFAULT -1,
    key_ordinal     bigint   NOT NULL DEFAULT -1
);
COMMENT ON TABLE  sink                 IS 'Working table: how far each stream is archived. Changes in the same transaction as the events.';
COMMENT ON COLUMN sink.stream          IS 'Which partition of which topic (table stream).';
COMMENT ON COLUMN sink.next_offset     IS 'The first offset not archived yet.';
COMMENT ON COLUMN sink.fence           IS 'One more each time an archiver takes the stream over; the one before it can commit no more.';
COMMENT ON COLUMN sink.known_at        IS 'Greatest broker time so far, ns since 1970 UTC.';
COMMENT ON COLUMN sink.control_through IS 'Last control sequence accepted here; -1 for none.';
COMMENT ON COLUMN sink.key_cause       IS 'Greatest feature key so far: cause.';
COMMENT ON COLUMN sink.key_view        IS 'Greatest feature key so far: view; 2147483647 for a progress row, which is the last of its cause.';
COMMENT ON COLUMN sink.key_ordinal     IS 'Greatest feature key so far: ordinal.';

CREATE TABLE tally (
    stream  smallint NOT NULL REFERENCES stream,
    kind    smallint NOT NULL,
    frames  bigint   NOT NULL,
    events  bigint   NOT NULL,
    repeats bigint   NOT NULL,
    PRIMARY KEY (stream, kind)
);
COMMENT ON TABLE  tally         IS 'Working table: how much is archived, by stream and kind, so that nobody has to count ticks.';
COMMENT ON COLUMN tally.stream  IS 'Which partition of which topic (table stream).';
COMMENT ON COLUMN tally.kind    IS 'As frame.kind.';
COMMENT ON COLUMN tally.frames  IS 'Records of this kind.';
COMMENT ON COLUMN tally.events  IS 'Events inside them.';
COMMENT ON COLUMN tally.repeats IS 'Records among them that repeat known feature keys.';

CREATE TABLE feed (
    stream     smallint NOT NULL REFERENCES stream,
    kind       smallint NOT NULL,
    source     integer  NOT NULL,
    instrument integer  NOT NULL,
    interval   bigint   NOT NULL,
    newest     bigint   NOT NULL,
    events     bigint   NOT NULL,
    PRIMARY KEY (stream, instrument, kind, interval, source)
);
COMMENT ON TABLE  feed            IS 'Working table: the feeds of instruments, by who brought them, and how far each has come.';
COMMENT ON COLUMN feed.stream     IS 'Which partition of which topic (table stream).';
COMMENT ON COLUMN feed.kind       IS '1 trades, 2 quotes, 3 bars.';
COMMENT ON COLUMN feed.source     IS 'Source id: the control sequence of its definition; -1 where none was named.';
COMMENT ON COLUMN feed.instrument IS 'Instrument id (view instrument).';
COMMENT ON COLUMN feed.interval   IS 'Interval of imported bars, ns; else 0.';
COMMENT ON COLUMN feed.newest     IS 'Greatest event time or clock that is not suspect (more than 60 s past its broker time), ns since 1970 UTC; -1 for none.';
COMMENT ON COLUMN feed.events     IS 'Events archived, repeats included, clocks not.';

CREATE TABLE sequence_run (
    stream     smallint NOT NULL REFERENCES stream,
    kind       smallint NOT NULL,
    source     integer  NOT NULL,
    instrument integer  NOT NULL,
    first      bigint   NOT NULL,
    last       bigint   NOT NULL,
    first_time bigint   NOT NULL,
    last_time  bigint   NOT NULL,
    PRIMARY KEY (stream, source, instrument, kind, first)
);
COMMENT ON TABLE  sequence_run            IS 'Working table: venue sequences that arrived, as runs without a hole; what is between two runs is missing.';
COMMENT ON COLUMN sequence_run.stream     IS 'Which partition of which topic (table stream).';
COMMENT ON COLUMN sequence_run.kind       IS '1 trades, 2 quotes, 3 bars.';
COMMENT ON COLUMN sequence_run.source     IS 'Source id: the control sequence of its definition; -1 where none was named.';
COMMENT ON COLUMN sequence_run.instrument IS 'Instrument id (view instrument).';
COMMENT ON COLUMN sequence_run.first      IS 'First sequence of the run.';
COMMENT ON COLUMN sequence_run.last       IS 'Last sequence of the run.';
COMMENT ON COLUMN sequence_run.first_time IS 'Event time at the first, ns since 1970 UTC.';
COMMENT ON COLUMN sequence_run.last_time  IS 'Event time at the last, ns since 1970 UTC.';

CREATE TABLE quarantine (
    id      bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    load_id text        NOT NULL,
    source  text        NOT NULL,
    file    text        NOT NULL,
    line    bigint      NOT NULL,
    reason  text        NOT NULL,
    raw     text        NOT NULL,
    detail  jsonb       NOT NULL DEFAULT '{}',
    options jsonb       NOT NULL DEFAULT '{}',
    ordinal integer     NOT NULL DEFAULT 0,
    state   text        NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'resolved')),
    seen_at timestamptz NOT NULL DEFAULT now(),
    digest  bytea       NOT NULL UNIQUE CHECK (octet_length(digest) = 32)
);
COMMENT ON TABLE  quarantine         IS 'Working table: input rows that could not become events, with why; fledger quarantine list | retry.';
COMMENT ON COLUMN quarantine.id      IS 'Number to name it by.';
COMMENT ON COLUMN quarantine.load_id IS 'The load that met it first.';
COMMENT ON COLUMN quarantine.source  IS 'Name of the source.';
COMMENT ON COLUMN quarantine.file    IS 'File it stood in.';
COMMENT ON COLUMN quarantine.line    IS 'Line or row in the file, from 1.';
COMMENT ON COLUMN quarantine.reason  IS 'Why it was put here.';
COMMENT ON COLUMN quarantine.raw     IS 'The row as it was read.';
COMMENT ON COLUMN quarantine.detail  IS 'What else helps: the other side of a conflict, the limit that was passed.';
COMMENT ON COLUMN quarantine.options IS 'How the load was told to read the file, for the retry.';
COMMENT ON COLUMN quarantine.ordinal IS 'Number among equal rows of its source, from 0; -1 where only loading again can tell.';
COMMENT ON COLUMN quarantine.state   IS 'open, or resolved when a retry appended it.';
COMMENT ON COLUMN quarantine.seen_at IS 'When it was first put here.';
COMMENT ON COLUMN quarantine.digest  IS 'SHA-256 of what makes the row this row of this source: repeating a load adds nothing.';

-- ---- append-only, by trigger -----------------------------------------------------------------

CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of table % is refused: events are never changed', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'insufficient_privilege', HINT = 'Append an amend instead.';
END $$;
COMMENT ON FUNCTION refuse_change() IS 'Trigger of every event table: refuses UPDATE, DELETE and TRUNCATE.';

-- A row trigger on a partitioned table is cloned to its leaves, a TRUNCATE trigger is not: leaves
-- get theirs in add_leaf. ALWAYS: session_replication_role does not switch them off.
CREATE FUNCTION protect(target regclass, rows_too boolean) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF rows_too THEN
        EXECUTE format('CREATE TRIGGER no_change BEFORE UPDATE OR DELETE ON %s '
                       'FOR EACH ROW EXECUTE FUNCTION refuse_change()', target);
    END IF;
    EXECUTE format('CREATE TRIGGER no_truncate BEFORE TRUNCATE ON %s '
                   'FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', target);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER no_change', target);
    EXECUTE format('ALTER TABLE %s ENABLE ALWAYS TRIGGER no_truncate', target);
END $$;
COMMENT ON FUNCTION protect(regclass, boolean) IS 'Makes a table append-only by trigger.';

-- Which event tables a stream has, by the letter of its topic, and the key of their leaves. The
-- BRIN index finds the rows of an offset range (rows stand in offset order, one writer each) and
-- costs nothing that could be measured.
CREATE TABLE event_table (
    name     text   NOT NULL PRIMARY KEY,
    letters  text   NOT NULL,
    key      text[] NOT NULL,
    brin     text[] NOT NULL,
    describe text   NOT NULL
);
COMMENT ON TABLE  event_table          IS 'The append-only tables and what their leaves are like; read by add_stream.';
COMMENT ON COLUMN event_table.name     IS 'The table.';
COMMENT ON COLUMN event_table.letters  IS 'Topics that can hold such events: m market, f features, c control.';
COMMENT ON COLUMN event_table.key      IS 'Primary key of each leaf.';
COMMENT ON COLUMN event_table.brin     IS 'Columns of the leaf''s BRIN index.';
COMMENT ON COLUMN event_table.describe IS 'What a leaf holds, for its comment.';
INSERT INTO event_table (name, letters, key, brin, describe) VALUES
    ('frame',     'mfc', '{offset}',                          '{event_first,event_last}', 'The manifest'),
    ('frame_raw', 'mfc', '{offset}',                          '{}',       'Records kept as bytes'),
    ('trade',     'm',   '{instrument,offset,index}',         '{offset}', 'Trades'),
    ('quote',     'm',   '{instrument,offset,index}',         '{offset}', 'Quotes'),
    ('bar',       'm',   '{instrument,offset,index}',         '{offset}', 'Imported bars'),
    ('amend',     'm',   '{instrument,offset,index}',         '{offset}', 'Amends'),
    ('gap',       'm',   '{instrument,offset,index}',         '{offset}', 'Gaps'),
    ('clock',     'm',   '{instrument,offset,index}',         '{offset}', 'Clocks'),
    ('heartbeat', 'm',   '{offset,index}',                    '{}',       'Heartbeats'),
    ('control',   'mfc', '{offset,index}',                    '{}',       'Control events'),
    ('feature',   'f',   '{view,instrument,start,cause,ordinal}', '{offset}', 'Feature rows'),
    ('progress',  'f',   '{cause,ordinal}',                   '{offset}', 'Progress');

CREATE FUNCTION add_leaf(parent text, stream smallint, suffix text, spoken text)
RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    kind event_table;
    leaf text := parent || '_' || suffix;
BEGIN
    SELECT * INTO STRICT kind FROM event_table WHERE name = parent;
    IF to_regclass(leaf) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING COMMENTS INCLUDING CONSTRAINTS)', leaf, parent);
    EXECUTE format('ALTER TABLE %I ADD PRIMARY KEY (%s)', leaf,
                   (SELECT string_agg(format('%I', part), ', ') FROM unnest(kind.key) part));
    IF cardinality(kind.brin) > 0 THEN
        EXECUTE format('CREATE INDEX ON %I USING brin (%s) WITH (pages_per_range = 32, autosummarize = on)',
                       leaf, (SELECT string_agg(format('%I', part), ', ') FROM unnest(kind.brin) part));
    END IF;
    EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES IN (%s)', parent, leaf, stream);
    PERFORM protect(to_regclass(leaf), false);
    EXECUTE format('COMMENT ON TABLE %I IS %L', leaf, kind.describe || ' of ' || spoken || '.');
    EXECUTE format('GRANT SELECT ON %I TO :reader, :writer', leaf);
    EXECUTE format('GRANT INSERT ON %I TO :writer', leaf);
END $$;
COMMENT ON FUNCTION add_leaf(text, smallint, text, text) IS 'Makes one stream''s leaf of one event table, when it is not there.';

CREATE FUNCTION add_stream(epoch integer, letter text, partition integer, topic text, topic_id text)
RETURNS smallint LANGUAGE plpgsql AS $$
DECLARE
    this   stream;
    suffix text := CASE letter WHEN 'c' THEN 'c' || partition
                               ELSE 'e' || epoch || '_' || letter || partition END;
    name   text;
BEGIN
    SELECT * INTO this FROM stream s
     WHERE s.letter = add_stream.letter AND s.epoch = add_stream.epoch AND s.partition = add_stream.partition;
    IF NOT FOUND THEN
        INSERT INTO stream
        SELECT coalesce(max(s.stream), 0) + 1, add_stream.epoch, add_stream.letter,
               add_stream.partition, add_stream.topic, add_stream.topic_id
          FROM stream s
        RETURNING * INTO this;
        INSERT INTO sink (stream) VALUES (this.stream);
    END IF;
    FOR name IN SELECT t.name FROM event_table t WHERE strpos(t.letters, add_stream.letter) > 0 ORDER BY t.name LOOP
        PERFORM add_leaf(name, this.stream, suffix,
                         format('partition %s of %s', partition, this.topic));
    END LOOP;
    RETURN this.stream;
END $$;
COMMENT ON FUNCTION add_stream(integer, text, integer, text, text) IS 'Enters one partition of one topic and makes its leaves; nothing happens where they are there.';

SELECT protect(to_regclass(name), true) FROM event_table;
SELECT protect('ledger', true), protect('stream', true), protect('event_table', true);

-- ---- append-only, by privilege ---------------------------------------------------------------

REVOKE EXECUTE ON ALL FUNCTIONS IN SCHEMA :schema FROM PUBLIC;
GRANT USAGE ON SCHEMA :schema TO :reader, :writer;
GRANT SELECT ON ALL TABLES IN SCHEMA :schema TO :reader, :writer;
GRANT INSERT ON frame, frame_raw, trade, quote, bar, amend, gap, clock, heartbeat, control, feature, progress TO :writer;
GRANT INSERT, UPDATE, DELETE ON tally, feed, sequence_run, quarantine TO :writer;
GRANT UPDATE ON sink TO :writer;

COMMENT ON TABLE  alembic_version             IS 'Working table: which shape this schema has (fledger migrate).';
COMMENT ON COLUMN alembic_version.version_num IS 'Name of the last migration that ran.';
