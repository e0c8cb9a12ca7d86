UPDATE orders SET
    status = new.value ->> 'status',
    provider_status = new.value ->> 'provider_status',
    status_at = new.value ->> 'status_at',
    needs_review = new.value ->> 'needs_review',
    failure_reason = new.value ->> 'failure_reason',
    product = new.value ->> 'product',
    package_code = new.value ->> 'package_code',
    package_name = new.value ->> 'package_name',
    amount = new.value ->> 'amount',
    currency = new.value ->> 'currency',
    quantity = new.value ->> 'quantity',
    track_ref = new.value ->> 'track_ref',
    mode = new.value ->> 'mode',
    created_at = new.value ->> 'created_at',
    updated_at = new.value ->> 'updated_at',
    confirmation = new.value ->> 'confirmation',
    blocks = new.value -> 'blocks'
FROM json_each(?1) AS new
WHERE orders.source = new.value ->> 'source' AND orders.order_ref = new.value ->> 'order_ref'
