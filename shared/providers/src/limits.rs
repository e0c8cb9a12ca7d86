//! What the tables can hold of an event. An event that does not fit is refused here, with the name of the field and before
//! it is part of a batch. It knows no dialect.

use chrono::Datelike as _;

use shared::Timestamp;
use shared::esim::Esim;
use shared::event::{Event, Malformed};
use shared::fact::{EntityKey, Fact, State};

/// References, in characters. An eSIM's may be an order's and an ICCID together.
const REF_MAX: usize = 200;
const ESIM_REF_MAX: usize = 400;

/// Whether PostgreSQL can read the time as we write it.
pub(crate) fn is_writable(time: Timestamp) -> bool {
    (1..=9999).contains(&time.year())
}

pub(crate) fn check(event: &Event) -> Result<(), Malformed> {
    check_length("provider_event_id", event.provider_event_id.as_deref(), usize::MAX)?;
    check_length("order_ref", event.order_ref.as_deref(), REF_MAX)?;
    check_length("esim_ref", event.esim_ref.as_deref(), ESIM_REF_MAX)?;
    check_times(event.occurred_at.into_iter().chain(event.disbelieved_at))?;
    event.facts.iter().try_for_each(check_fact)
}

fn check_fact(Fact { key, claims }: &Fact) -> Result<(), Malformed> {
    match key {
        EntityKey::Order(reference) => check_length("order_ref", Some(reference), REF_MAX),
        EntityKey::Esim(reference) => check_length("esim_ref", Some(reference), ESIM_REF_MAX),
        EntityKey::Payment(reference) => check_length("payment_ref", Some(reference), REF_MAX),
        EntityKey::Return(reference) => check_length("return_ref", Some(reference), REF_MAX),
    }?;
    match claims {
        State::Esim(esim) => check_esim(esim),
        State::Return(return_request) => check_length("order_ref", return_request.order_ref.value(), REF_MAX),
        // Contacts are registered under it, too.
        State::Payment(payment) => check_length("code", payment.code.value(), REF_MAX),
        State::Order(order) => check_times(order.silent_since.value().copied()),
    }
}

fn check_esim(esim: &Esim) -> Result<(), Malformed> {
    check_length("order_ref", esim.order_ref.value(), REF_MAX)?;
    check_length("iccid", esim.iccid.value(), ESIM_REF_MAX)?;
    let notices = esim.expiry_notices.iter().map(|(at, _)| *at);
    check_times(esim.plan.at().into_iter().chain(notices).chain(esim.passed_ends.iter().copied()))?;
    match esim.install.value() {
        Some(install) if !install.activation_code.starts_with("LPA:") => {
            Err(Malformed::Unidentified("an activation code does not begin with LPA:".to_owned()))
        }
        _ => Ok(()),
    }
}

/// Checks the times that no dialect has read; a dialect ignores such a time.
fn check_times(times: impl IntoIterator<Item = Timestamp>) -> Result<(), Malformed> {
    if times.into_iter().all(is_writable) {
        Ok(())
    } else {
        Err(Malformed::Unidentified("a time is of no year that can be kept".to_owned()))
    }
}

fn check_length(name: &str, text: Option<impl AsRef<str>>, max: usize) -> Result<(), Malformed> {
    let Some(text) = text else { return Ok(()) };
    let text = text.as_ref();
    let problem = if text.is_empty() {
        "is empty".to_owned()
    } else if text.contains('\0') {
        "holds a NUL".to_owned()
    } else if text.chars().count() > max {
        format!("is longer than {max} characters")
    } else {
        return Ok(());
    };
    Err(Malformed::Unidentified(format!("{name} {problem}")))
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta};
    use serde_json::json;

    use shared::clock::Deadline;
    use shared::envelope::Envelope;
    use shared::origin::{Origin, Provider};

    use super::*;
    use crate::decode;
    use crate::fixtures::{answer_envelope, check_refused, envelope, event_of, order_lookup};

    #[test]
    fn a_reference_that_no_table_can_hold_is_refused() {
        let long = "9".repeat(201);
        let yoni = |order_ref: &str, iccid: &str| json!({"orderNo": order_ref, "iccid": iccid, "result": "COMPLETED"});
        check_refused(Provider::Yoni, &yoni(&long, "8"), "order_ref is longer than 200 characters");
        check_refused(Provider::Yoni, &yoni("1", &long.repeat(2)), "esim_ref is longer than 400 characters");
        assert_eq!(event_of(Provider::Yoni, &yoni(&long[1..], &long)).esim_ref, Some(long.clone()));
        let payment =
            |id: &str, code: &str| json!({"operation_type": "purchase", "id": id, "code": code, "status": "x"});
        check_refused(Provider::Airtm, &payment(&long, "c"), "payment_ref is longer than 200 characters");
        check_refused(Provider::Airtm, &payment("1", &long), "code is longer than 200 characters");
        let data = json!({"id": "r", "status": "APPROVED", "orderId": long});
        let returned = json!({"type": "RETURN_ORDER_UPDATE", "data": data});
        check_refused(Provider::Simplifytrip, &returned, "order_ref is longer than 200 characters");
    }

    #[test]
    fn what_is_no_activation_code_is_refused() {
        let body = json!({"orderNo": "1", "iccid": "8", "result": "COMPLETED", "lpa": "rsp.demo$C"});
        check_refused(Provider::Yoni, &body, "an activation code does not begin with LPA:");
    }

    #[track_caller]
    fn check_unwritable(origin: Origin, body: Vec<u8>, expected: &str) {
        let refusal = decode(&Envelope { origin, body, ..envelope(Provider::Yoni, "") }).map(|event| event.kind);
        assert_eq!(refusal, Err(Malformed::Unidentified(expected.to_owned())));
    }

    #[test]
    fn our_own_words_are_held_to_the_same_limits() {
        let long_ago: Timestamp = "-0001-12-31T23:59:59Z".parse().unwrap();
        let time = "a time is of no year that can be kept";
        let expired = Deadline::Expired { esim_ref: "8".to_owned(), expires_at: long_ago };
        check_unwritable(Origin::Clock, expired.body(), time);
        let expiring = Deadline::Expiring { esim_ref: "8".to_owned(), expires_at: long_ago, days: "1".to_owned() };
        check_unwritable(Origin::Clock, expiring.body(), time);
        let silent = Deadline::Silent { order_ref: "1".to_owned(), since: long_ago };
        check_unwritable(Origin::Clock, silent.body(), time);
        let silent = Deadline::Silent { order_ref: String::new(), since: long_ago };
        check_unwritable(Origin::Clock, silent.body(), "order_ref is empty");
        let answer = answer_envelope(Provider::Yoni, order_lookup("a\0b"), None);
        check_unwritable(Origin::Fetch, answer.body, "order_ref holds a NUL");
    }

    #[test]
    fn the_last_time_that_our_clock_could_tell_is_no_panic() {
        let received_at = DateTime::<chrono::Utc>::MAX_UTC - TimeDelta::minutes(59);
        let body = r#"{"orderNo": "1", "result": "FAILED"}"#;
        assert!(decode(&Envelope { received_at, ..envelope(Provider::Yoni, body) }).is_ok());
    }
}
