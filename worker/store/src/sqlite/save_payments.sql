UPDATE payments SET
    direction = new.value ->> 'direction',
    status = new.value ->> 'status',
    provider_status = new.value ->> 'provider_status',
    status_at = new.value ->> 'status_at',
    amount = new.value ->> 'amount',
    code = new.value ->> 'code',
    payer_email = new.value ->> 'payer_email',
    failure_reason = new.value ->> 'failure_reason',
    operation_ref = new.value ->> 'operation_ref',
    description = new.value ->> 'description',
    mode = new.value ->> 'mode',
    created_at = new.value ->> 'created_at',
    updated_at = new.value ->> 'updated_at',
    confirmation = new.value ->> 'confirmation',
    blocks = new.value -> 'blocks'
FROM json_each(?1) AS new
WHERE payments.source = new.value ->> 'source' AND payments.payment_ref = new.value ->> 'payment_ref'
