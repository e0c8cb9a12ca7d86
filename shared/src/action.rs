//! Every effect there is: what a change of state means for a customer or the operator, each promise made once.

mod payload;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use crate::envelope::Mode;
use crate::esim::{Esim, PlanStatus, ProfileStatus};
use crate::fact::{EntityKey, State};
use crate::order::{Order, OrderStatus};
use crate::payment::{Direction, Payment, PaymentStatus};
use crate::premise::{Allowance, Expiry, Premise};
use crate::provider::{CreditAlert, Event};
use crate::return_request::{ReturnRequest, ReturnStatus};

/// What is told. The table of `decide` in the README says when.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ActionKind {
    EsimReady,
    OrderFailed,
    OrderCancelled,
    SimShipped,
    SimDelivered,
    EsimInstalled,
    EsimActivated,
    LowData,
    DataDepleted,
    EsimExpired,
    EsimCancelled,
    EsimRevoked,
    EsimSuspended,
    ExpiringSoon,
    ReturnApproved,
    ReturnRejected,
    PaymentSucceeded,
    PaymentFailed,
    PayoutSucceeded,
    PayoutFailed,
    CreditLow,
    OrderNeedsReview,
}

/// Whom it is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Audience {
    Customer,
    Operator,
}

/// One promise.
#[derive(Debug, Clone, PartialEq)]
pub struct Action {
    pub kind: ActionKind,
    /// Unique within the source: the promise is made once, however often its cause is seen. The reference stands last,
    /// so that no reference can imitate another key.
    pub key: String,
    pub mode: Mode,
    pub order_ref: Option<String>,
    pub esim_ref: Option<String>,
    pub payload: Value,
    pub premise: Premise,
}

impl ActionKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EsimReady => "esim_ready",
            Self::OrderFailed => "order_failed",
            Self::OrderCancelled => "order_cancelled",
            Self::SimShipped => "sim_shipped",
            Self::SimDelivered => "sim_delivered",
            Self::EsimInstalled => "esim_installed",
            Self::EsimActivated => "esim_activated",
            Self::LowData => "low_data",
            Self::DataDepleted => "data_depleted",
            Self::EsimExpired => "esim_expired",
            Self::EsimCancelled => "esim_cancelled",
            Self::EsimRevoked => "esim_revoked",
            Self::EsimSuspended => "esim_suspended",
            Self::ExpiringSoon => "expiring_soon",
            Self::ReturnApproved => "return_approved",
            Self::ReturnRejected => "return_rejected",
            Self::PaymentSucceeded => "payment_succeeded",
            Self::PaymentFailed => "payment_failed",
            Self::PayoutSucceeded => "payout_succeeded",
            Self::PayoutFailed => "payout_failed",
            Self::CreditLow => "credit_low",
            Self::OrderNeedsReview => "order_needs_review",
        }
    }

    pub fn audience(self) -> Audience {
        match self {
            Self::CreditLow | Self::OrderNeedsReview => Audience::Operator,
            Self::EsimReady
            | Self::OrderFailed
            | Self::OrderCancelled
            | Self::SimShipped
            | Self::SimDelivered
            | Self::EsimInstalled
            | Self::EsimActivated
            | Self::LowData
            | Self::DataDepleted
            | Self::EsimExpired
            | Self::EsimCancelled
            | Self::EsimRevoked
            | Self::EsimSuspended
            | Self::ExpiringSoon
            | Self::ReturnApproved
            | Self::ReturnRejected
            | Self::PaymentSucceeded
            | Self::PaymentFailed
            | Self::PayoutSucceeded
            | Self::PayoutFailed => Audience::Customer,
        }
    }
}

impl Audience {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Operator => "operator",
        }
    }
}

impl Action {
    /// The same for the same promise of the same source, in any database: a receiver that has seen it recognises it
    /// even after a restore or a second fold of the same events.
    pub fn id(&self, source: &str) -> Uuid {
        /// Drawn once, for this purpose alone.
        const NAMESPACE: Uuid = Uuid::from_u128(0x8a51_6c0e_7f0b_4c55_9d3e_2b1f_90c4_67aa);
        Uuid::new_v5(&NAMESPACE, format!("{source}\n{}", self.key).as_bytes())
    }

    fn about_order(kind: ActionKind, order_ref: &str, order: &Order, premise: Premise) -> Self {
        Self {
            kind,
            key: format!("{}:{order_ref}", kind.as_str()),
            mode: order.mode(),
            order_ref: Some(order_ref.to_owned()),
            esim_ref: None,
            payload: payload::order(order_ref, order),
            premise,
        }
    }

    /// `distinction` tells the promises of one kind about one eSIM apart; empty where there is only one.
    fn about_esim(kind: ActionKind, distinction: &str, esim_ref: &str, esim: &Esim, premise: Premise) -> Self {
        let separator = if distinction.is_empty() { "" } else { ":" };
        Self {
            kind,
            key: format!("{}{separator}{distinction}:{esim_ref}", kind.as_str()),
            mode: esim.mode(),
            order_ref: esim.order_ref.value().cloned(),
            esim_ref: Some(esim_ref.to_owned()),
            payload: payload::esim(esim_ref, esim),
            premise,
        }
    }

    #[must_use]
    fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        if let Value::Object(fields) = &mut self.payload {
            fields.insert(name.to_owned(), value.into());
        }
        self
    }
}

/// What a change from `before` to `after` promises. No change promises nothing.
pub fn decide(key: &EntityKey, before: &State, after: &State) -> Vec<Action> {
    match (key, before, after) {
        (EntityKey::Order(order_ref), State::Order(before), State::Order(after)) => order(order_ref, before, after),
        (EntityKey::Esim(esim_ref), State::Esim(before), State::Esim(after)) => esim(esim_ref, before, after),
        (EntityKey::Payment(payment_ref), State::Payment(before), State::Payment(after)) => {
            payment(payment_ref, before, after).into_iter().collect()
        }
        (EntityKey::Return(return_ref), State::Return(before), State::Return(after)) => {
            return_request(return_ref, before, after).into_iter().collect()
        }
        (EntityKey::Order(_) | EntityKey::Esim(_) | EntityKey::Payment(_) | EntityKey::Return(_), _, _) => Vec::new(),
    }
}

/// What an event says to the operator about no entity. Each event is one crossing of a level: after the account was
/// filled up, the same level is crossed by another event.
pub fn announce_credit(event: &Event, alert: &CreditAlert) -> Action {
    let level = alert.used_percent.map_or_else(|| "-".to_owned(), |percent| percent.to_string());
    Action {
        kind: ActionKind::CreditLow,
        key: format!("credit_low:{level}:{}", event.key),
        mode: event.mode,
        order_ref: None,
        esim_ref: None,
        payload: payload::credit(alert),
        premise: Premise::Always,
    }
}

fn order(order_ref: &str, before: &Order, after: &Order) -> Vec<Action> {
    let mut actions = Vec::new();
    if after.status() != before.status()
        && let Some(kind) = order_kind(after)
    {
        let premise = Premise::OrderIs { order_ref: order_ref.to_owned(), status: after.status() };
        actions.push(Action::about_order(kind, order_ref, after, premise));
    }
    if after.needs_review() && !before.needs_review() {
        let premise = Premise::OrderNeedsReview { order_ref: order_ref.to_owned() };
        actions.push(Action::about_order(ActionKind::OrderNeedsReview, order_ref, after, premise));
    }
    actions
}

fn order_kind(order: &Order) -> Option<ActionKind> {
    match order.status() {
        OrderStatus::Failed => Some(ActionKind::OrderFailed),
        OrderStatus::Cancelled => Some(ActionKind::OrderCancelled),
        OrderStatus::Shipping => order.is_physical().then_some(ActionKind::SimShipped),
        // An eSIM order is complete when its eSIM is ready, which has an action of its own.
        OrderStatus::Completed => order.is_physical().then_some(ActionKind::SimDelivered),
        OrderStatus::Pending | OrderStatus::Processing => None,
    }
}

fn esim(esim_ref: &str, before: &Esim, after: &Esim) -> Vec<Action> {
    let mut actions = Vec::new();
    if before.install.is_empty() && !after.install.is_empty() {
        actions.push(ready(esim_ref, after));
    }
    if is_on_device(after) && !is_on_device(before) {
        let premise = Premise::OnDevice { esim_ref: esim_ref.to_owned() };
        actions.push(Action::about_esim(ActionKind::EsimInstalled, "", esim_ref, after, premise));
    }
    if after.plan_status() != before.plan_status() {
        actions.extend(plan_change(esim_ref, after));
    }
    if !after.is_over() {
        if !after.is_depleted() {
            actions.extend(low_data(esim_ref, before, after));
            actions.extend(low_data_alert(esim_ref, before, after));
        }
        actions.extend(expiry_notices(esim_ref, before, after));
        actions.extend(expiry_alert(esim_ref, before, after));
    }
    actions
}

fn is_on_device(esim: &Esim) -> bool {
    esim.profile_status().is_some_and(ProfileStatus::is_on_device)
}

fn ready(esim_ref: &str, esim: &Esim) -> Action {
    let premise = Premise::Installable { esim_ref: esim_ref.to_owned() };
    let action = Action::about_esim(ActionKind::EsimReady, "", esim_ref, esim, premise);
    match esim.install.value() {
        Some(install) => action.with("install", payload::install(install)),
        None => action,
    }
}

fn plan_change(esim_ref: &str, esim: &Esim) -> Option<Action> {
    let status = esim.plan_status()?;
    // A plan can be used up or suspended more than once: each time is told apart by when it got there.
    let since = || esim.plan.at().map_or_else(|| "-".to_owned(), |at| Expiry::At(at).to_string());
    let (kind, distinction) = match status {
        PlanStatus::Active => (ActionKind::EsimActivated, String::new()),
        PlanStatus::Depleted => (ActionKind::DataDepleted, since()),
        PlanStatus::Suspended => (ActionKind::EsimSuspended, since()),
        PlanStatus::Expired => (ActionKind::EsimExpired, String::new()),
        PlanStatus::Cancelled => (ActionKind::EsimCancelled, String::new()),
        PlanStatus::Revoked => (ActionKind::EsimRevoked, String::new()),
        PlanStatus::Pending | PlanStatus::Allocated => return None,
    };
    let premise = Premise::PlanIs { esim_ref: esim_ref.to_owned(), status };
    Some(Action::about_esim(kind, &distinction, esim_ref, esim, premise))
}

/// A threshold of the allowance in force, higher than any told of it.
fn low_data(esim_ref: &str, before: &Esim, after: &Esim) -> Option<Action> {
    let total = after.total_bytes()?;
    let percent = after.thresholds.get(&total)?;
    if before.thresholds.get(&total) >= Some(percent) {
        return None;
    }
    Some(warn(esim_ref, after, u32::from(*percent), Allowance::TotalBytes(total)))
}

fn low_data_alert(esim_ref: &str, before: &Esim, after: &Esim) -> Option<Action> {
    let alert = after.low_data_alert.value()?;
    if before.low_data_alert.value() == Some(alert) {
        return None;
    }
    Some(warn(esim_ref, after, alert.level, Allowance::Event(alert.event_key.clone())))
}

fn warn(esim_ref: &str, esim: &Esim, percent: u32, about: Allowance) -> Action {
    let distinction = format!("{percent}:{about}");
    let premise = Premise::LowData { esim_ref: esim_ref.to_owned(), percent, about };
    Action::about_esim(ActionKind::LowData, &distinction, esim_ref, esim, premise).with("used_percent", percent)
}

fn expiry_notices(esim_ref: &str, before: &Esim, after: &Esim) -> Vec<Action> {
    let is_new = |notice: &&(crate::Timestamp, u32)| {
        !before.expiry_notices.contains(notice) && after.expires_at.value() == Some(&notice.0)
    };
    let notices = after.expiry_notices.iter().filter(is_new);
    notices.map(|(at, days)| give_notice(esim_ref, after, *days, Expiry::At(*at))).collect()
}

fn expiry_alert(esim_ref: &str, before: &Esim, after: &Esim) -> Option<Action> {
    let alert = after.expiry_alert.value()?;
    if before.expiry_alert.value() == Some(alert) {
        return None;
    }
    Some(give_notice(esim_ref, after, alert.level, Expiry::Event(alert.event_key.clone())))
}

fn give_notice(esim_ref: &str, esim: &Esim, days: u32, about: Expiry) -> Action {
    let distinction = format!("{days}:{about}");
    let premise = Premise::Expiring { esim_ref: esim_ref.to_owned(), days, about };
    Action::about_esim(ActionKind::ExpiringSoon, &distinction, esim_ref, esim, premise).with("days_left", days)
}

fn payment(payment_ref: &str, before: &Payment, after: &Payment) -> Option<Action> {
    let status = after.status();
    if status == before.status() {
        return None;
    }
    let is_payout = after.direction.value() == Some(&Direction::Payout);
    let kind = match (status, is_payout) {
        (PaymentStatus::Pending, _) => return None,
        (PaymentStatus::Succeeded, false) => ActionKind::PaymentSucceeded,
        (PaymentStatus::Succeeded, true) => ActionKind::PayoutSucceeded,
        // A cancelled payment is money that does not come: the payload says which of the two it was.
        (PaymentStatus::Failed | PaymentStatus::Cancelled, false) => ActionKind::PaymentFailed,
        (PaymentStatus::Failed | PaymentStatus::Cancelled, true) => ActionKind::PayoutFailed,
    };
    Some(Action {
        kind,
        key: format!("{}:{payment_ref}", kind.as_str()),
        mode: after.mode(),
        order_ref: None,
        esim_ref: None,
        payload: payload::payment(payment_ref, after),
        premise: Premise::PaymentIs { payment_ref: payment_ref.to_owned(), status },
    })
}

fn return_request(return_ref: &str, before: &ReturnRequest, after: &ReturnRequest) -> Option<Action> {
    let status = after.status();
    if status == before.status() {
        return None;
    }
    let kind = match status {
        ReturnStatus::Approved => ActionKind::ReturnApproved,
        ReturnStatus::Rejected => ActionKind::ReturnRejected,
        ReturnStatus::Requested | ReturnStatus::Reviewing => return None,
    };
    Some(Action {
        kind,
        key: format!("{}:{return_ref}", kind.as_str()),
        mode: after.mode(),
        order_ref: after.order_ref.value().cloned(),
        esim_ref: None,
        payload: payload::return_request(return_ref, after),
        premise: Premise::ReturnIs { return_ref: return_ref.to_owned(), status },
    })
}
