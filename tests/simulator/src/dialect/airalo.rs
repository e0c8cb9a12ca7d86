//! Airalo (Partner API v2): finished orders, warnings of low data and of the end, the shop's credit.
//!
//! Documented: the fields, the levels, that bodies have no id and no time, the mixed types of one field. Reported by
//! integrators: that `request_id` stands at the root, in `data`, or that all of it is flat. Assumed: that the body is as
//! PHP's `json_encode` writes it (Airalo's SDK does), and that `created_at` is UTC and the order's time, not the event's.

use samples::Source;
use serde_json::{Map, Value as Json, json};

use super::{Standing, amount, number, number_or_text};
use crate::event::{Body, Entity, Inbox, Meaning, Said, Table, Time, Warning};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// `{"request_id": …, "data": {…}}`
    Root,
    /// `{"data": {…, "request_id": …}}`
    Nested,
    /// Without `data` as the wrapper.
    Flat,
}

#[derive(Debug, Clone, Copy)]
pub struct Package {
    pub code: &'static str,
    pub name: &'static str,
    pub data: &'static str,
    pub days: u32,
    /// USD, as Airalo writes it in a string.
    pub price: &'static str,
}

#[derive(Debug, Clone)]
pub struct Sim {
    pub id: u64,
    pub iccid: String,
    pub matching_id: String,
}

/// An order that came, or failed.
#[derive(Debug, Clone)]
pub struct Order {
    pub request_id: String,
    pub id: u64,
    pub place: Place,
    /// The quantity as a string, as several variants have it.
    pub has_quantity_as_text: bool,
    /// The other numbers as strings, as the API's orders have them.
    pub has_numbers_as_text: bool,
    pub package: Package,
    pub is_top_up: bool,
    pub created_at: Time,
    pub sims: Vec<Sim>,
    /// Why it failed, if it did.
    pub reason: Option<&'static str>,
    /// A field that no document has: "Airalo reserves the right to extend".
    pub has_news: bool,
}

impl Order {
    fn quantity(&self) -> u64 {
        u64::try_from(self.sims.len().max(1)).unwrap_or(1)
    }

    pub fn body(&self) -> Body {
        let mut order = self.fields();
        let meta = json!({ "message": "success" });
        let body = match self.place {
            Place::Root => json!({ "request_id": self.request_id, "data": order, "meta": meta }),
            Place::Nested => {
                order.insert("request_id".to_owned(), self.request_id.clone().into());
                json!({ "data": order, "meta": meta })
            }
            Place::Flat => {
                order.insert("request_id".to_owned(), self.request_id.clone().into());
                Json::Object(order)
            }
        };
        php(&body)
    }

    fn fields(&self) -> Map<String, Json> {
        let (package, created_at) = (&self.package, self.created_at.format("%Y-%m-%d %H:%M:%S").to_string());
        let kind = if self.is_top_up { "topup" } else { "sim" };
        let order = json!({
            "id": self.id,
            "code": format!("{}-{:06}", self.created_at.format("%Y%m%d"), self.id),
            "currency": "USD",
            "package_id": package.code,
            "quantity": number_or_text(&self.quantity().to_string(), self.has_quantity_as_text),
            "type": kind,
            "description": format!("{} {kind} {}", self.quantity(), package.code),
            "esim_type": "Prepaid",
            "validity": number_or_text(&package.days.to_string(), self.has_numbers_as_text),
            "package": package.name,
            "data": package.data,
            "price": number_or_text(package.price, self.has_numbers_as_text),
            "created_at": created_at,
        });
        let Json::Object(mut order) = order else { return Map::new() };
        match self.reason {
            Some(reason) => order.insert("reason".to_owned(), reason.into()),
            None => order.insert("sims".to_owned(), self.sims.iter().map(|sim| sim.fields(&created_at)).collect()),
        };
        if self.has_news {
            order.insert("pricing_model".to_owned(), json!({ "name": "net_pricing", "since": [2026, null] }));
        }
        order
    }

    pub fn meaning(&self) -> Meaning {
        let entity = Entity::new(Source::Airalo, Table::Orders, &self.request_id);
        let status = if self.reason.is_some() { "failed" } else { "completed" };
        // The body has no word for it; the public table has ours.
        let standing = Standing { reason: self.reason, ..Standing::of_order(Some(status), status, None) };
        let text = |column, value: &str| Said::new(&entity, column, value, None);
        let mut said = standing.said(&entity);
        said.extend([
            text("product", if self.is_top_up { "top_up" } else { "esim" }),
            text("package_code", self.package.code),
            text("package_name", self.package.name),
            text("currency", "USD"),
            Said::new(&entity, "amount", amount(self.package.price), None),
            Said::new(&entity, "quantity", self.quantity(), None),
        ]);
        said.extend(self.sims.iter().filter(|_| self.reason.is_none()).flat_map(|sim| sim.said(self)));
        Meaning { said, ..Meaning::default() }
    }

    pub fn inbox(&self) -> Inbox {
        let esim_ref = match self.sims.as_slice() {
            [sim] if self.reason.is_none() => Some(sim.iccid.clone()),
            _ => None,
        };
        Inbox { order_ref: Some(self.request_id.clone()), esim_ref, ..Inbox::default() }
    }
}

impl Sim {
    /// `qrcode` is the activation code; `lpa` is the server alone.
    pub fn activation_code(&self) -> String {
        format!("LPA:1$lpa.airalo.com${}", self.matching_id)
    }

    fn fields(&self, created_at: &str) -> Json {
        let code = self.activation_code();
        json!({
            "id": self.id,
            "created_at": created_at,
            "iccid": self.iccid,
            "lpa": "lpa.airalo.com",
            "imsis": null,
            "matching_id": self.matching_id,
            "qrcode": code,
            "qrcode_url": format!("https://www.airalo.com/qr?id={}", self.id),
            "airalo_code": null,
            "apn_type": "automatic",
            "apn_value": null,
            "is_roaming": true,
            "confirmation_code": null,
            "direct_apple_installation_url":
                format!("https://esimsetup.apple.com/esim_qrcode_provisioning?carddata={code}"),
        })
    }

    fn said(&self, order: &Order) -> Vec<Said> {
        let entity = Entity::new(Source::Airalo, Table::Esims, &self.iccid);
        vec![
            Said::new(&entity, "order_ref", &order.request_id, None),
            Said::new(&entity, "iccid", &self.iccid, None),
            Said::new(&entity, "plan_status", "allocated", None).ranked(super::rank("plan", "allocated")),
            Said::new(&entity, "activation_code", &self.activation_code(), None),
            Said::new(&entity, "package_name", order.package.name, None),
        ]
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// 75 or 90, of the data that is used.
    Percent(u32),
    /// 3 or 1, until the end.
    Days(u32),
}

/// A warning: it has no id, no time and no order.
#[derive(Debug, Clone)]
pub struct Alert {
    pub level: Level,
    pub package_code: &'static str,
    pub remaining_percent: u32,
    pub iccid: String,
}

impl Alert {
    pub fn body(&self) -> Body {
        let level = match self.level {
            Level::Percent(percent) => format!("{percent}%"),
            Level::Days(days) => format!("{days}days"),
        };
        php(&json!({
            "level": level,
            "package_name": self.package_code,
            "remaining_percentage": self.remaining_percent,
            "iccid": self.iccid,
        }))
    }

    /// What the alert calls the package's name is its code, so an order's word for it is better.
    pub fn meaning(&self) -> Meaning {
        let entity = Entity::new(Source::Airalo, Table::Esims, &self.iccid);
        let said = vec![
            Said::new(&entity, "iccid", &self.iccid, None),
            Said::new(&entity, "package_name", self.package_code, None).in_passing(),
        ];
        let warning = match self.level {
            Level::Percent(percent) => Warning::LowData { percent },
            Level::Days(days) => Warning::EndsSoon { days },
        };
        Meaning { said, warnings: vec![(entity, warning)], ..Meaning::default() }
    }

    pub fn inbox(&self) -> Inbox {
        Inbox { esim_ref: Some(self.iccid.clone()), ..Inbox::default() }
    }
}

/// The shop's credit: its level is only in the prose.
pub fn credit(level: u32, remaining: &str) -> (Body, Meaning) {
    let message = format!("Surpassed {level}% of the credit limit balance");
    let body = php(&json!({ "message": message, "remaining": number(remaining) }));
    let remaining = remaining.parse().unwrap_or_default();
    (body, Meaning { credit: Some((message, remaining)), ..Meaning::default() })
}

/// As PHP's `json_encode` writes it: slashes escaped. All that is sent here is ASCII.
fn php(body: &Json) -> Body {
    Body::Fixed(body.to_string().replace('/', "\\/").into_bytes())
}
