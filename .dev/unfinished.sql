-- How much of what was sent (:ids) is still on its way: events not yet applied, and deliveries not yet tried.
SELECT
    (SELECT count(*)
     FROM unnest(:'ids'::uuid[]) AS sent (id)
     WHERE NOT EXISTS (SELECT FROM events WHERE events.id = sent.id)
       AND NOT EXISTS (SELECT FROM dead_letters WHERE dead_letters.id = sent.id))
    +
    (SELECT count(*)
     FROM deliveries
     JOIN actions ON actions.id = deliveries.action_id
     WHERE actions.caused_by = ANY (:'ids'::uuid[])
       AND deliveries.status IN ('pending', 'sending')
       AND deliveries.attempts = 0);
