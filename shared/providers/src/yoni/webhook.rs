//! Yoni's webhooks: whether an order came through, with the eSIM that it brought.
//!
//! Unsigned, without an id, a type or a time (<https://docs-yoni-tech.readme.io/reference/esim-webhook>).

use serde_json::Value;
use shared::block::Latest;
use shared::esim::{Esim, Install, PlanStatus};
use shared::event::Malformed;
use shared::fact::Fact;
use shared::order::{Order, OrderStatus, Product};

use crate::reading::{decimal, required, text};
use crate::webhook::{Reading, ReceivedWebhook};

pub(super) fn read(ReceivedWebhook { body, .. }: ReceivedWebhook<'_>) -> Result<Reading, Malformed> {
    let order_ref = required(body, "orderNo")?;
    let result = required(body, "result")?;
    let status = known_result(&result);
    let iccid = text(body, "iccid");
    let mut facts = vec![Fact::order(order_ref.clone(), read_order(body, &result, status))];
    facts.extend(iccid.clone().map(|iccid| Fact::esim(iccid.clone(), read_esim(body, iccid, &order_ref, status))));
    Ok(Reading { kind: "order".to_owned(), order_ref: Some(order_ref), esim_ref: iccid, facts, ..Reading::default() })
}

pub(super) fn read_order(body: &Value, result: &str, status: Option<OrderStatus>) -> Order {
    Order {
        product: Latest::claim(Product::Esim, None),
        package_code: Latest::maybe(text(body, "packageCode"), None),
        package_name: Latest::maybe(text(body, "packageName"), None),
        amount: Latest::maybe(decimal(body, "price"), None),
        currency: Latest::maybe(text(body, "currency").map(currency), None),
        ..Order::with_status(result, status, None, None)
    }
}

/// The eSIM of a failed order was never handed out: it has no plan, and no code for a customer.
pub(super) fn read_esim(body: &Value, iccid: String, order_ref: &str, status: Option<OrderStatus>) -> Esim {
    let plan = (status == Some(OrderStatus::Completed)).then_some(PlanStatus::Allocated);
    let install = text(body, "lpa").filter(|_| status != Some(OrderStatus::Failed)).map(Install::new);
    Esim {
        order_ref: Latest::claim(order_ref.to_owned(), None),
        iccid: Latest::claim(iccid, None),
        plan: Latest::maybe(plan, None),
        install: Latest::maybe(install, None),
        package_name: Latest::maybe(text(body, "packageName"), None),
        ..Esim::default()
    }
}

pub(super) fn known_result(result: &str) -> Option<OrderStatus> {
    match result.to_uppercase().as_str() {
        "COMPLETED" => Some(OrderStatus::Completed),
        "FAILED" => Some(OrderStatus::Failed),
        _ => None,
    }
}

/// The documented list ends in "…", so a number that is not in it stays as it is.
fn currency(code: String) -> String {
    let known = match code.as_str() {
        "1" => "CNY",
        "2" => "USD",
        "3" => "EUR",
        "4" => "SGD",
        "5" => "TWD",
        _ => return code,
    };
    known.to_owned()
}

#[cfg(test)]
mod tests;
