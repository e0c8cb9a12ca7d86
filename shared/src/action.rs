//! Every effect there is: what a change of state means for a customer or the operator, each promise made once.

mod payload;

use serde_json::Value;
use uuid::Uuid;

use crate::confirmation::Verdict;
use crate::esim::{Esim, PlanStatus, ProfileStatus};
use crate::event::{CreditAlert, Event};
use crate::fact::{EntityKey, State};
use crate::order::{Order, OrderStatus, Product};
use crate::origin::Mode;
use crate::payment::{Direction, Payment, PaymentStatus};
use crate::premise::{Allowance, Expiry, Premise, Rule};
use crate::return_request::{ReturnRequest, ReturnStatus};
use crate::rules::Rules;
use crate::words;

words! {
    /// What is told. The table of `decide` in the README says when.
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
        ProviderSilent,
        WebhookRefuted,
    }
}

words! {
    /// Whom it is for.
    pub enum Audience {
        Customer,
        Operator,
    }
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
    /// The kinds that are for customers.
    pub fn for_customers() -> impl Iterator<Item = Self> {
        Self::ALL.iter().copied().filter(|kind| kind.audience() == Audience::Customer)
    }

    pub fn audience(self) -> Audience {
        match self {
            Self::CreditLow | Self::OrderNeedsReview | Self::ProviderSilent | Self::WebhookRefuted => {
                Audience::Operator
            }
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

impl Action {
    /// The same for the same promise of the same source, in any database: a receiver that has seen it recognises it
    /// even after a restore or a second fold of the same events.
    pub fn id(&self, source: &str) -> Uuid {
        /// Drawn once, for this purpose alone.
        const NAMESPACE: Uuid = Uuid::from_u128(0x8a51_6c0e_7f0b_4c55_9d3e_2b1f_90c4_67aa);
        Uuid::new_v5(&NAMESPACE, format!("{source}\n{}", self.key).as_bytes())
    }
}

/// What a change from `before` to `after` promises: what the one state is worth telling and the other was not. So
/// no change promises nothing, and whatever the order of arrival, all that the last state is worth telling was promised.
pub fn decide(key: &EntityKey, before: &State, after: &State, rules: &Rules) -> Vec<Action> {
    let told = worth_telling(before, rules);
    let is_new = |news: &News| !told.iter().any(|earlier| earlier.covers(news));
    let news = worth_telling(after, rules).into_iter().filter(is_new);
    news.map(|news| promise(key, after, news.after_refutation(before))).collect()
}

/// Whether the action gives something of value away that only an unsigned webhook has spoken for yet. `state` is that of
/// the action's subject.
pub fn awaits_confirmation(kind: ActionKind, state: Option<&State>) -> bool {
    let is_of_value =
        matches!(kind, ActionKind::EsimReady | ActionKind::PaymentSucceeded | ActionKind::PayoutSucceeded);
    is_of_value && state.and_then(State::confirmation) == Some(Verdict::Unconfirmed)
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

/// Something that a state is worth telling.
#[derive(Debug, Clone, PartialEq, Eq)]
struct News {
    kind: ActionKind,
    /// Tells apart what may be told more than once of an entity; empty where it may not.
    distinction: String,
    /// What makes it true; the subject is filled in by `promise`.
    rule: Rule,
}

impl News {
    fn once(kind: ActionKind, rule: Rule) -> Self {
        Self { kind, distinction: String::new(), rule }
    }

    /// Whether somebody who was told this knows `later`, too. A status that goes on is nothing new, even if the provider
    /// says so again with a later time; another level of a warning is.
    fn covers(&self, later: &Self) -> bool {
        self.kind == later.kind && self.rule == later.rule
    }

    /// What was refuted and comes true after all is another promise: the first one was broken.
    fn after_refutation(mut self, before: &State) -> Self {
        if let Some(refuted_at) = before.refuted_at().filter(|_| self.rule.needs_proof()) {
            let separator = if self.distinction.is_empty() { "" } else { ":" };
            self.distinction = format!("{}{separator}{}", self.distinction, Expiry::At(refuted_at));
        }
        self
    }
}

fn promise(key: &EntityKey, state: &State, News { kind, distinction, rule }: News) -> Action {
    let separator = if distinction.is_empty() { "" } else { ":" };
    let (_, reference) = key.parts();
    Action {
        kind,
        key: format!("{}{separator}{distinction}:{reference}", kind.as_str()),
        mode: state.mode(),
        order_ref: state.order_ref(reference),
        esim_ref: matches!(key, EntityKey::Esim(_)).then(|| reference.to_owned()),
        payload: payload::of(reference, state, kind, &rule),
        premise: Premise::About { subject: key.clone(), rule },
    }
}

fn worth_telling(state: &State, rules: &Rules) -> Vec<News> {
    let mut news = match state {
        State::Order(state) => order(state),
        State::Esim(state) => esim(state, rules),
        State::Payment(state) => payment(state).into_iter().collect(),
        State::Return(state) => return_request(state).into_iter().collect(),
    };
    if state.confirmation() == Some(Verdict::Refuted) {
        news.retain(|news| !news.rule.needs_proof());
    }
    news.extend(state.refuted_at().map(|_| News::once(ActionKind::WebhookRefuted, Rule::IsRefuted)));
    news
}

fn order(order: &Order) -> Vec<News> {
    let status = order.status();
    let kind = match status {
        OrderStatus::Failed => Some(ActionKind::OrderFailed),
        OrderStatus::Cancelled => Some(ActionKind::OrderCancelled),
        OrderStatus::Shipping => order.is_physical().then_some(ActionKind::SimShipped),
        // An eSIM order is complete when its eSIM is ready, which has an action of its own.
        OrderStatus::Completed => order.is_physical().then_some(ActionKind::SimDelivered),
        OrderStatus::Pending | OrderStatus::Processing => None,
    };
    let review = order.needs_review().then_some(News::once(ActionKind::OrderNeedsReview, Rule::OrderNeedsReview));
    let silent = order.is_silent().then_some(News::once(ActionKind::ProviderSilent, Rule::OrderIsSilent));
    let product = match status {
        OrderStatus::Shipping | OrderStatus::Completed => Some(Product::PhysicalSim),
        OrderStatus::Pending | OrderStatus::Processing | OrderStatus::Failed | OrderStatus::Cancelled => None,
    };
    let status = kind.map(|kind| News::once(kind, Rule::OrderIs { status, product }));
    status.into_iter().chain(review).chain(silent).collect()
}

fn esim(esim: &Esim, rules: &Rules) -> Vec<News> {
    let mut news: Vec<News> = plan(esim).into_iter().collect();
    if esim.is_over() {
        return news;
    }
    if let Some(install) = esim.install.value() {
        // Another code is another promise: the first one may have been forged.
        let code_sha256 = install.fingerprint();
        let distinction = code_sha256.chars().take(16).collect();
        news.push(News { kind: ActionKind::EsimReady, distinction, rule: Rule::InstallableBy { code_sha256 } });
    }
    if esim.profile_status().is_some_and(ProfileStatus::is_on_device) {
        news.push(News::once(ActionKind::EsimInstalled, Rule::OnDevice));
    }
    if !esim.is_depleted() {
        news.extend(low_data(esim, rules));
    }
    news.extend(expiry(esim, rules));
    news
}

fn plan(esim: &Esim) -> Option<News> {
    let status = esim.plan_status()?;
    // A plan can be used up or suspended more than once, and end again after it was extended: each time is told apart by
    // when it got there.
    let since = || esim.plan_status_at().map_or_else(|| "-".to_owned(), |at| Expiry::At(at).to_string());
    let (kind, distinction) = match status {
        PlanStatus::Active => (ActionKind::EsimActivated, String::new()),
        PlanStatus::Depleted => (ActionKind::DataDepleted, since()),
        PlanStatus::Suspended => (ActionKind::EsimSuspended, since()),
        PlanStatus::Expired => (ActionKind::EsimExpired, since()),
        PlanStatus::Cancelled => (ActionKind::EsimCancelled, String::new()),
        PlanStatus::Revoked => (ActionKind::EsimRevoked, String::new()),
        PlanStatus::Pending | PlanStatus::Allocated => return None,
    };
    Some(News { kind, distinction, rule: Rule::PlanIs { status } })
}

/// The highest threshold reached of the allowance in force, and the newest warning that names no allowance, by its own
/// level if that is not below all that is told.
fn low_data(esim: &Esim, rules: &Rules) -> impl Iterator<Item = News> {
    let reached = esim.total_bytes().and_then(|total| Some((rules.low_data_threshold(esim, total)?, total)));
    let reached = reached.map(|(percent, total)| (percent, Allowance::TotalBytes(total)));
    let alert = esim.low_data_alert.value().filter(|alert| rules.threshold(alert.level).is_some());
    let alert = alert.map(|alert| (alert.level, Allowance::Event(alert.event_key.clone())));
    reached.into_iter().chain(alert).map(|(percent, about)| News {
        kind: ActionKind::LowData,
        distinction: format!("{percent}:{about}"),
        rule: Rule::LowData { percent, about },
    })
}

/// Of the notices of the expiry in force the latest, and the newest notice that names no date.
fn expiry(esim: &Esim, rules: &Rules) -> impl Iterator<Item = News> {
    let in_force = esim.expires_at.value().copied();
    let notices = esim.expiry_notices.iter().filter(|(at, days)| in_force == Some(*at) && rules.tells_days(*days));
    let latest = notices.map(|(at, days)| (*days, Expiry::At(*at))).min_by_key(|(days, _)| *days);
    let alert = esim.expiry_alert.value().filter(|alert| rules.tells_days(alert.level));
    let alert = alert.map(|alert| (alert.level, Expiry::Event(alert.event_key.clone())));
    latest.into_iter().chain(alert).map(|(days, about)| News {
        kind: ActionKind::ExpiringSoon,
        distinction: format!("{days}:{about}"),
        rule: Rule::Expiring { days, about },
    })
}

fn payment(payment: &Payment) -> Option<News> {
    let (status, direction) = (payment.status(), payment.direction());
    let kind = match (status, direction) {
        (PaymentStatus::Pending, _) => return None,
        (PaymentStatus::Succeeded, Direction::Payin) => ActionKind::PaymentSucceeded,
        (PaymentStatus::Succeeded, Direction::Payout) => ActionKind::PayoutSucceeded,
        // A cancelled payment is money that does not come: the payload says which of the two it was.
        (PaymentStatus::Failed | PaymentStatus::Cancelled, Direction::Payin) => ActionKind::PaymentFailed,
        (PaymentStatus::Failed | PaymentStatus::Cancelled, Direction::Payout) => ActionKind::PayoutFailed,
    };
    Some(News::once(kind, Rule::PaymentIs { status: status.without_nuance(), direction: Some(direction) }))
}

fn return_request(return_request: &ReturnRequest) -> Option<News> {
    let status = return_request.status();
    let kind = match status {
        ReturnStatus::Approved => ActionKind::ReturnApproved,
        ReturnStatus::Rejected => ActionKind::ReturnRejected,
        ReturnStatus::Requested | ReturnStatus::Reviewing => return None,
    };
    Some(News::once(kind, Rule::ReturnIs { status }))
}
