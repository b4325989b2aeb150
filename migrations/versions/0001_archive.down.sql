-- Takes the archive away. Refused while it holds events: they may be nowhere else.

DO $$
BEGIN
    IF EXISTS (SELECT FROM sink WHERE next_offset > 0) THEN
        RAISE EXCEPTION 'the archive holds events; going down would destroy them'
            USING ERRCODE = 'insufficient_privilege',
                  HINT = 'Restore into another database, or drop the schema by hand.';
    END IF;
END $$;

DROP TABLE quarantine, sequence_run, feed, tally, sink;
DROP TABLE progress, feature, control, heartbeat, clock, gap, amend, bar, quote, trade;
DROP TABLE frame_raw, frame, event_table, stream, ledger;
DROP FUNCTION add_stream, add_leaf, protect, refuse_change;
