use serde_json::{Value, json};

use super::fixtures::{envelope, event_of, payload, received_at, time as at};
use super::*;
use crate::fact::State;

/// Every sample body there is.
const SAMPLES: [(Provider, &str); 16] = [
    (Provider::Airalo, payload!("airalo/async_order_nested_request_id.json")),
    (Provider::Airalo, payload!("airalo/async_order_root_request_id.json")),
    (Provider::Airalo, payload!("airalo/credit_limit.json")),
    (Provider::Airalo, payload!("airalo/low_data_3days.json")),
    (Provider::Airtm, payload!("airtm/payout_completed.json")),
    (Provider::Airtm, payload!("airtm/purchase_confirmed.json")),
    (Provider::EsimAccess, payload!("esim_access/check_health.json")),
    (Provider::EsimAccess, payload!("esim_access/data_usage.json")),
    (Provider::EsimAccess, payload!("esim_access/esim_status_cancel.json")),
    (Provider::EsimAccess, payload!("esim_access/order_status.json")),
    (Provider::EsimAccess, payload!("esim_access/smdp_event_download.json")),
    (Provider::EsimAccess, payload!("esim_access/validity_usage.json")),
    (Provider::Simplifytrip, payload!("simplifytrip/esim_order_success.json")),
    (Provider::Simplifytrip, payload!("simplifytrip/return_update.json")),
    (Provider::Simplifytrip, payload!("simplifytrip/sim_order_update.json")),
    (Provider::Yoni, payload!("yoni/completed.json")),
];

/// Ever another body: one field of `body`, anywhere in it, is `odd` instead.
fn with_odd_fields(body: &Value, odd: &Value) -> Vec<Value> {
    let children: Vec<(String, &Value)> = match body {
        Value::Object(fields) => fields.iter().map(|(name, field)| (format!("/{name}"), field)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(index, item)| (format!("/{index}"), item)).collect(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => Vec::new(),
    };
    let mut bodies = vec![odd.clone()];
    for (pointer, child) in children {
        for replacement in with_odd_fields(child, odd) {
            let mut changed = body.clone();
            *changed.pointer_mut(&pointer).unwrap() = replacement;
            bodies.push(changed);
        }
    }
    bodies
}

#[test]
fn no_field_of_any_form_makes_a_dialect_panic_or_quote_the_body() {
    let odd = [
        json!(null),
        json!(true),
        json!(""),
        json!("SECRET\u{0}é"),
        json!([["SECRET"]]),
        json!({"SECRET": {}}),
        json!(-1),
        serde_json::from_str("1e999").unwrap(),
        serde_json::from_str("1e-999").unwrap(),
        serde_json::from_str("79228162514264337593543950335").unwrap(),
        json!("9".repeat(400)),
        json!("-262143-01-01T00:00:00Z"),
        json!("+262142-12-31T23:59:59Z"),
    ];
    for (provider, sample) in SAMPLES {
        let sample: Value = serde_json::from_str(sample).unwrap();
        for body in odd.iter().flat_map(|odd| with_odd_fields(&sample, odd)) {
            if let Err(refusal) = decode(&envelope(provider, &body.to_string())) {
                assert!(!refusal.to_string().contains("SECRET"), "{refusal}");
            }
        }
    }
}

#[test]
fn every_sample_is_an_event() {
    for (provider, sample) in SAMPLES {
        let fetched = Envelope { origin: crate::envelope::Origin::Fetch, ..envelope(provider, sample) };
        assert!(decode(&fetched).is_ok(), "{sample}");
    }
}

#[track_caller]
fn check_unreadable(body: &[u8], expected: &str) {
    let refusal = decode(&Envelope { body: body.to_vec(), ..envelope(Provider::Yoni, "") }).map(|event| event.kind);
    assert_eq!(refusal.unwrap_err().to_string(), expected);
}

#[test]
fn what_is_not_json_is_refused_without_a_quote() {
    check_unreadable(b"", "the body is not JSON: it is empty");
    check_unreadable(b"\xef\xbb\xbf \n", "the body is not JSON: it is empty");
    check_unreadable(b"orderNo=1", "the body is not JSON: syntax error at line 1, column 1");
    check_unreadable(b"{\"orderNo\": \"1\"", "the body is not JSON: eof error at line 1, column 15");
    check_unreadable(b"[]", "the body is not an event of this provider: it is not an object");
    check_unreadable("[".repeat(100_000).as_bytes(), "the body is not JSON: syntax error at line 1, column 128");
}

#[test]
fn a_byte_order_mark_is_forgiven() {
    let body = "\u{feff}{\"orderNo\": \"1\", \"result\": \"COMPLETED\"}";
    assert!(decode(&envelope(Provider::Yoni, body)).is_ok());
}

fn usage(generated_at: &str, measured_at: &str) -> Event {
    let content =
        json!({"orderNo": "B1", "iccid": "8", "totalVolume": 10, "orderUsage": 1, "lastUpdateTime": measured_at});
    event_of(
        Provider::EsimAccess,
        &json!({"notifyType": "DATA_USAGE", "eventGenerateTime": generated_at, "content": content}),
    )
}

#[test]
fn a_time_more_than_an_hour_ahead_is_not_believed() {
    let event = usage("2026-05-01T13:00:00Z", "2026-05-01T13:00:01Z");
    let State::Esim(esim) = &event.facts[0].claims else { panic!("an eSIM") };
    assert_eq!((event.occurred_at, event.disbelieved_at), (Some(at("2026-05-01T13:00:00Z")), None));
    assert_eq!((esim.usage.at(), esim.iccid.at()), (None, event.occurred_at));
    let event = usage("2026-05-01T13:00:01Z", "2026-05-01T13:00:00Z");
    assert_eq!((event.occurred_at, event.disbelieved_at), (None, Some(at("2026-05-01T13:00:01Z"))));
}

#[test]
fn every_fact_carries_when_it_was_heard_and_in_which_mode() {
    for (provider, sample) in SAMPLES {
        let envelope = Envelope { mode: Mode::Test, received_at: received_at(), ..envelope(provider, sample) };
        for fact in decode(&envelope).map(|event| event.facts).unwrap_or_default() {
            assert_eq!(fact.claims.mode(), Mode::Test, "{sample}");
            let heard = match fact.claims {
                State::Order(order) => order.heard,
                State::Esim(esim) => esim.heard,
                State::Payment(payment) => payment.heard,
                State::Return(request) => request.heard,
            };
            assert_eq!(heard.first, Some(received_at()), "{sample}");
        }
    }
}

#[test]
fn an_empty_secret_has_nobodys_form() {
    for provider in Provider::ALL {
        assert!(provider.check_secret(&SecretSlice::from(Vec::new())).is_err(), "{provider}");
    }
}

#[test]
fn who_never_signs_is_never_authentic_by_signature() {
    let request = Request { headers: &BTreeMap::new(), body: b"{}", received_at: received_at() };
    for provider in [Provider::EsimAccess, Provider::Yoni] {
        assert_eq!(provider.authenticate(request, &[]), Err(Unauthentic::Missing));
    }
}
