//! Yoni ("eSIM Order Webhook"): one message an order, unsigned, without an id, a type or a time.
//!
//! Documented: all fields are strings, `result` is COMPLETED or FAILED, the list of currencies is open. Not found, and so
//! varied here: what a FAILED body says of the eSIM (null, empty, missing, or its ICCID all the same).

use samples::Source;
use serde_json::{Value as Json, json};

use super::{Standing, amount};
use crate::event::{Body, Entity, Inbox, Meaning, Said, Table};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absent {
    Null,
    Empty,
    Missing,
    /// The ICCID is named although it was not handed out.
    Named,
}

#[derive(Debug, Clone)]
pub struct Order {
    pub order_no: String,
    /// Yoni's number for it.
    pub currency: &'static str,
    pub iccid: String,
    pub matching_id: String,
    pub package_code: String,
    pub package_name: &'static str,
    pub price: &'static str,
    /// How what is not there is written, if the order failed.
    pub failed: Option<Absent>,
}

impl Order {
    pub fn activation_code(&self) -> String {
        format!("LPA:1$rsp.demo${}", self.matching_id)
    }

    /// What is called FAILED names no code, and names its eSIM only by mistake.
    fn names_esim(&self) -> bool {
        matches!(self.failed, None | Some(Absent::Named))
    }

    pub fn body(&self) -> Body {
        let mut body = json!({
            "orderNo": self.order_no,
            "currency": self.currency,
            "iccid": self.iccid,
            "lpa": self.activation_code(),
            "packageCode": self.package_code,
            "packageName": self.package_name,
            "price": self.price,
            "result": if self.failed.is_some() { "FAILED" } else { "COMPLETED" },
        });
        let Some(fields) = body.as_object_mut() else { return Body::Fixed(Vec::new()) };
        for name in ["iccid", "lpa"] {
            match self.failed {
                Some(Absent::Null) => fields.insert(name.to_owned(), Json::Null),
                Some(Absent::Empty) => fields.insert(name.to_owned(), "".into()),
                Some(Absent::Missing) => fields.shift_remove(name),
                Some(Absent::Named) | None => None,
            };
        }
        Body::Fixed(body.to_string().into_bytes())
    }

    pub fn meaning(&self) -> Meaning {
        let entity = Entity::new(Source::Yoni, Table::Orders, &self.order_no);
        let (status, word) = if self.failed.is_some() { ("failed", "FAILED") } else { ("completed", "COMPLETED") };
        let mut said = Standing::of_order(Some(status), word, None).said(&entity);
        said.extend([
            Said::new(&entity, "product", "esim", None),
            Said::new(&entity, "package_code", &self.package_code, None),
            Said::new(&entity, "package_name", self.package_name, None),
            Said::new(&entity, "amount", amount(self.price), None),
            Said::new(&entity, "currency", currency(self.currency), None),
        ]);
        if self.names_esim() {
            let esim = Entity::new(Source::Yoni, Table::Esims, &self.iccid);
            said.extend([
                Said::new(&esim, "order_ref", &self.order_no, None),
                Said::new(&esim, "iccid", &self.iccid, None),
                Said::new(&esim, "package_name", self.package_name, None),
            ]);
            if self.failed.is_none() {
                said.push(Said::new(&esim, "plan_status", "allocated", None).ranked(super::rank("plan", "allocated")));
                said.push(Said::new(&esim, "activation_code", &self.activation_code(), None));
            }
        }
        Meaning { said, ..Meaning::default() }
    }

    pub fn inbox(&self) -> Inbox {
        let esim_ref = self.names_esim().then(|| self.iccid.clone());
        Inbox { order_ref: Some(self.order_no.clone()), esim_ref, ..Inbox::default() }
    }
}

/// "1 = RMB, 2 = USD, 3 = EUR, 4 = SGD, 5 = TWD …": a number beyond the list stays one.
fn currency(number: &'static str) -> &'static str {
    match number {
        "1" => "CNY",
        "2" => "USD",
        "3" => "EUR",
        "4" => "SGD",
        "5" => "TWD",
        other => other,
    }
}
