//! What happens to the shop's orders: events of all providers, from which each schedule draws some.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use rand::rngs::StdRng;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand::{RngExt as _, SeedableRng as _};
use serde_json::{Value, json};
use shared::envelope::{Envelope, Mode, Origin};
use shared::origin::Provider;
use uuid::Uuid;

/// When the last of it was received.
const TODAY: &str = "2026-05-31T12:00:00Z";

/// What arrives in one schedule, in the order of arrival.
#[derive(Debug)]
pub(crate) struct Arrivals(pub(crate) Vec<Envelope>);

impl Arrivals {
    /// Up to a dozen events with their copies, drawn and shuffled by the seed.
    pub(crate) fn of(seed: u64) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let mut bodies = everything();
        bodies.shuffle(&mut random);
        bodies.truncate(random.random_range(1..=12));
        for _ in 0..random.random_range(0..4) {
            let copy = bodies.choose(&mut random).cloned();
            bodies.extend(copy);
        }
        bodies.shuffle(&mut random);
        Self(bodies.iter().enumerate().map(|(n, (provider, body))| envelope(seed, n, *provider, body)).collect())
    }

    /// Everything there is, once, in order.
    pub(crate) fn all() -> Self {
        let bodies = everything().into_iter().enumerate();
        Self(bodies.map(|(n, (provider, body))| envelope(0, n, provider, &body)).collect())
    }
}

fn envelope(seed: u64, n: usize, provider: Provider, body: &str) -> Envelope {
    let today: DateTime<Utc> = TODAY.parse().unwrap();
    let received_at = today + TimeDelta::seconds(i64::try_from(n).unwrap());
    Envelope {
        id: Uuid::from_u64_pair(seed, u64::try_from(n).unwrap() + 1),
        source: provider.to_string(),
        provider,
        mode: Mode::Live,
        origin: Origin::Webhook,
        received_at,
        content_type: None,
        traceparent: None,
        headers: BTreeMap::new(),
        body: body.as_bytes().to_vec(),
    }
}

/// An event of eSIM Access on the `day`th of May, about one of two eSIMs.
fn notify(kind: &str, esim: u32, day: u32, mut content: Value) -> (Provider, String) {
    content["orderNo"] = json!(format!("B{esim}"));
    content["iccid"] = json!(format!("890{esim}"));
    let time = format!("2026-05-{day:02}T10:00:00Z");
    let body = json!({"notifyType": kind, "notifyId": format!("{kind}{esim}{day}"), "eventGenerateTime": time,
                      "content": content});
    (Provider::EsimAccess, body.to_string())
}

fn usage(esim: u32, day: u32, total: u32, used: u32) -> (Provider, String) {
    let time = format!("2026-05-{day:02}T09:00:00Z");
    let content = json!({"totalVolume": total, "orderUsage": used, "remain": total - used, "lastUpdateTime": time});
    notify("DATA_USAGE", esim, day, content)
}

fn everything() -> Vec<(Provider, String)> {
    let status = |esim, day, status: &str| notify("ESIM_STATUS", esim, day, json!({ "esimStatus": status }));
    let profile = |esim, day, status: &str| notify("SMDP_EVENT", esim, day, json!({ "smdpStatus": status }));
    let yoni = |order: &str, result: &str| {
        let lpa = format!("LPA:1$rsp.demo${order}");
        (Provider::Yoni, json!({"orderNo": order, "iccid": "8910", "lpa": lpa, "result": result}).to_string())
    };
    let payment = |status: &str, minute: u32| {
        let time = format!("2026-05-30T10:{minute:02}:00Z");
        let body =
            json!({"id": "p", "operation_type": "purchase", "status": status, "amount": "9.50", "updated_at": time});
        (Provider::Airtm, body.to_string())
    };
    let shipment = |status: &str, day: u32| {
        let time = format!("2026-05-{day:02}T10:00:00.000Z");
        let items = json!([{"sku": "A", "quantity": 1, "type": "SIM", "status": status}]);
        let body = json!({"id": format!("w{day}"), "type": "PURCHASE_ORDER_UPDATE", "createdAt": time,
                          "sentDate": "2026-05-31T11:59:00.000Z", "mode": "LIVE_MODE",
                          "data": {"orderId": "7", "status": status, "items": items}});
        (Provider::Simplifytrip, body.to_string())
    };
    let warning = json!({"level": "75%", "package_name": "p", "remaining_percentage": 25, "iccid": "891"});
    vec![
        profile(1, 2, "INSTALLATION"),
        profile(1, 3, "ENABLED"),
        status(1, 4, "IN_USE"),
        usage(1, 5, 1_000, 500),
        usage(1, 6, 1_000, 900),
        status(1, 7, "USED_UP"),
        usage(1, 8, 3_000, 1_500),
        status(1, 9, "IN_USE"),
        status(1, 20, "USED_EXPIRED"),
        status(2, 5, "IN_USE"),
        usage(2, 6, 2_000, 1_700),
        status(2, 9, "CANCEL"),
        yoni("Y1", "COMPLETED"),
        yoni("Y1", "FAILED"),
        yoni("Y2", "FAILED"),
        payment("created", 1),
        payment("confirmed", 2),
        shipment("DELIVERING", 3),
        shipment("SUCCESS", 6),
        (Provider::Airalo, warning.to_string()),
        (
            Provider::Airalo,
            json!({"message": "Surpassed 80% of the credit limit balance", "remaining": 2.5}).to_string(),
        ),
        (Provider::Yoni, "no JSON".to_owned()),
    ]
}
