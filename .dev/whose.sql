-- The orders and payments that what was sent (:ids) is about: source=reference. An alert names only its eSIM.
SELECT DISTINCT events.source || '=' || COALESCE(esims.order_ref, events.order_ref, events.payment_ref)
FROM events
LEFT JOIN esims ON esims.source = events.source AND esims.esim_ref = events.esim_ref
WHERE events.id = ANY (:'ids'::uuid[]) AND COALESCE(esims.order_ref, events.order_ref, events.payment_ref) IS NOT NULL
ORDER BY 1;
