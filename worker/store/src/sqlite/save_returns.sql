UPDATE returns SET
    order_ref = new.value ->> 'order_ref',
    status = new.value ->> 'status',
    provider_status = new.value ->> 'provider_status',
    status_at = new.value ->> 'status_at',
    return_type = new.value ->> 'return_type',
    refund_amount = new.value ->> 'refund_amount',
    reason = new.value ->> 'reason',
    track_ref = new.value ->> 'track_ref',
    mode = new.value ->> 'mode',
    created_at = new.value ->> 'created_at',
    updated_at = new.value ->> 'updated_at',
    blocks = new.value -> 'blocks'
FROM json_each(?1) AS new
WHERE returns.source = new.value ->> 'source' AND returns.return_ref = new.value ->> 'return_ref'
