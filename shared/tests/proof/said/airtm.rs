//! What Airtm says: in its first generation unsigned, in its second signed, in both with a date.

use serde_json::json;
use shared::lookup::{Hints, LookupKind};
use shared::origin::Provider;

use super::{Said, payment, written};

/// The first generation: `operation` is `purchase` or `payout`.
pub(crate) fn operation(seconds: i64, payment_ref: &str, operation: &str, status: &str) -> Said {
    let body = json!({"id": payment_ref, "operation_type": operation, "status": status, "amount": "1.00",
                      "updated_at": written(seconds)});
    Said::webhook(Provider::Airtm, seconds, body)
}

/// The second: `event` is `payin.confirmed`, and so on.
pub(crate) fn event(seconds: i64, payment_ref: &str, event: &str, status: &str) -> Said {
    let data = json!({"id": payment_ref, "status": status, "amount": 2, "updatedAt": written(seconds)});
    Said::webhook(Provider::Airtm, seconds, json!({"type": event, "data": data})).signed()
}

/// The second without its wrapper, where nothing says which way the money goes.
pub(crate) fn bare(seconds: i64, payment_ref: &str, status: &str) -> Said {
    let body = json!({"id": payment_ref, "status": status, "amount": 2, "netAmount": 2, "updatedAt": written(seconds)});
    Said::webhook(Provider::Airtm, seconds, body).signed()
}

/// Its API about a payment, which last changed at `changed`.
pub(crate) fn answers(seconds: i64, payment_ref: &str, operation: &str, status: &str, changed: i64) -> Said {
    let found = json!({"id": payment_ref, "operation_type": operation, "status": status, "amount": "1.00",
                       "updated_at": written(changed)});
    Said::answer(Provider::Airtm, seconds, (payment(payment_ref), LookupKind::Payment, Hints::default()), Some(found))
}

pub(crate) fn denies(seconds: i64, payment_ref: &str) -> Said {
    Said::answer(Provider::Airtm, seconds, (payment(payment_ref), LookupKind::Payment, Hints::default()), None)
}
