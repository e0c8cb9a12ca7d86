//! When a question should be asked: what an event makes worth asking, and what remains to be asked after an answer.

use chrono::TimeDelta;

use super::{Hints, Lookup, Question, Reason, Want};
use crate::Timestamp;
use crate::confirmation::Verdict;
use crate::esim::Esim;
use crate::event::Event;
use crate::fact::{EntityKey, State};
use crate::order::{Order, OrderStatus};
use crate::origin::{Origin, Provider};
use crate::payment::Payment;

/// Pauses between questions whose answer does not come: about a day together.
const PAUSES: [TimeDelta; 14] = [
    TimeDelta::seconds(2),
    TimeDelta::seconds(5),
    TimeDelta::seconds(10),
    TimeDelta::seconds(30),
    TimeDelta::seconds(60),
    TimeDelta::minutes(2),
    TimeDelta::minutes(5),
    TimeDelta::minutes(10),
    TimeDelta::minutes(30),
    TimeDelta::hours(1),
    TimeDelta::hours(2),
    TimeDelta::hours(4),
    TimeDelta::hours(8),
    TimeDelta::hours(8),
];

const SLOW: TimeDelta = TimeDelta::hours(6);
const STEADY: TimeDelta = TimeDelta::hours(2);
/// Not sooner than Airalo's cache of 20 minutes, either.
const FAST: TimeDelta = TimeDelta::minutes(30);

/// A plan of which nobody says when it ends is not asked about for ever.
const LONGEST_PLAN: TimeDelta = TimeDelta::days(400);
/// The provider should have noticed by then that a plan has ended.
const AFTER_THE_END: TimeDelta = TimeDelta::days(7);

/// What is worth asking after `event` was joined, about the one of its entities that is called `key` and is now `state`.
/// To be called for every fresh event, fetched ones included: an answer may tell of an eSIM that no webhook announced.
pub fn wants(provider: Provider, event: &Event, key: &EntityKey, state: &State) -> Vec<Want> {
    match (event.origin, key, state) {
        (Origin::Clock, ..) => Vec::new(),
        (Origin::Fetch, EntityKey::Esim(reference), State::Esim(esim)) => {
            let poll = poll(provider, reference, esim);
            // What the answer itself is to is asked again by whoever asked.
            poll.filter(|want| want.lookup.question.answer_kind() != event.kind).into_iter().collect()
        }
        (Origin::Fetch, ..) => Vec::new(),
        (_, EntityKey::Order(reference), State::Order(order)) => {
            about_order(provider, event, reference, order, state).into_iter().collect()
        }
        (_, EntityKey::Esim(reference), State::Esim(esim)) => {
            let first = about_esim(provider, reference, esim, state);
            first.into_iter().chain(poll(provider, reference, esim)).collect()
        }
        (_, EntityKey::Payment(_), State::Payment(payment)) => {
            let hints = Hints { direction: payment.direction.value().copied(), ..Hints::default() };
            let is_wanted = provider == Provider::Airtm && state.needs_confirmation();
            let want = is_wanted.then(|| want(key.clone(), Question::Payment, hints, Reason::Unconfirmed));
            want.into_iter().collect()
        }
        (_, EntityKey::Return(_) | EntityKey::Order(_) | EntityKey::Esim(_) | EntityKey::Payment(_), _) => Vec::new(),
    }
}

/// The question about an order that the shop registered. Airalo knows an order that was made asynchronously only by the
/// shop's own `description`.
pub fn order_lookup(order_ref: impl Into<String>, description: Option<String>) -> Lookup {
    let about = EntityKey::Order(order_ref.into());
    Lookup { about, question: Question::Order, hints: Hints { description, ..Hints::default() } }
}

fn about_order(provider: Provider, event: &Event, reference: &str, order: &Order, state: &State) -> Option<Want> {
    // It has no eSIM in it.
    let is_thin = provider == Provider::EsimAccess && order.status() == OrderStatus::Completed;
    let reason = if is_thin && state.confirmation() != Some(Verdict::Confirmed) {
        Reason::Thin
    } else if state.needs_confirmation() && !tells_both(provider, event) {
        Reason::Unconfirmed
    } else {
        return None;
    };
    Some(Want { lookup: order_lookup(reference, None), reason, after: TimeDelta::zero() })
}

/// Yoni's answer about an eSIM tells of its order, too: two questions would be one too many.
fn tells_both(provider: Provider, event: &Event) -> bool {
    let has_code = |state: &State| matches!(state, State::Esim(esim) if !esim.install.is_empty());
    provider == Provider::Yoni && event.facts.iter().any(|fact| has_code(&fact.claims))
}

fn about_esim(provider: Provider, reference: &str, esim: &Esim, state: &State) -> Option<Want> {
    // Its webhooks have no activation code in them.
    if provider == Provider::EsimAccess && esim.install.is_empty() && !esim.is_over() {
        return Some(want(EntityKey::Esim(reference.to_owned()), Question::Esim, hints(esim), Reason::Thin));
    }
    if !state.needs_confirmation() {
        return None;
    }
    match (provider, esim.order_ref.value()) {
        // Its answer about an eSIM has no activation code in it, but the one about the order does.
        (Provider::Simplifytrip, Some(order_ref)) => {
            let lookup = order_lookup(order_ref, None);
            Some(Want { lookup, reason: Reason::Unconfirmed, after: TimeDelta::zero() })
        }
        (Provider::Simplifytrip, None) | (Provider::Airtm, _) => None,
        (Provider::Airalo | Provider::EsimAccess | Provider::Yoni, _) => {
            Some(want(EntityKey::Esim(reference.to_owned()), Question::Esim, hints(esim), Reason::Unconfirmed))
        }
    }
}

fn want(about: EntityKey, question: Question, hints: Hints, reason: Reason) -> Want {
    Want { lookup: Lookup { about, question, hints }, reason, after: TimeDelta::zero() }
}

fn hints(esim: &Esim) -> Hints {
    Hints {
        order_ref: esim.order_ref.value().cloned(),
        iccid: esim.iccid.value().cloned(),
        provider_esim_ref: esim.provider_esim_ref.value().cloned(),
        ..Hints::default()
    }
}

/// What is asked again and again where no webhook tells of what is used, or when it ends.
fn polled(provider: Provider) -> Option<Question> {
    match provider {
        Provider::Airalo | Provider::Yoni => Some(Question::Usage),
        Provider::Simplifytrip => Some(Question::Esim),
        Provider::EsimAccess | Provider::Airtm => None,
    }
}

fn poll(provider: Provider, reference: &str, esim: &Esim) -> Option<Want> {
    let question = polled(provider)?;
    // An eSIM is handed out with its code; one that is refuted is none.
    let is_wanted = !esim.install.is_empty() && esim.verdict() != Some(Verdict::Refuted);
    let after = pace(esim, esim.heard.last?).filter(|_| is_wanted)?;
    let lookup = Lookup { about: EntityKey::Esim(reference.to_owned()), question, hints: hints(esim) };
    Some(Want { lookup, reason: Reason::Poll, after })
}

/// How long to wait before an eSIM is asked about again: the shorter, the nearer an end is; `None` if it is over.
fn pace(esim: &Esim, now: Timestamp) -> Option<TimeDelta> {
    let expires_at = esim.expires_at.value().copied();
    let is_past = match (expires_at, esim.heard.first) {
        (Some(expires_at), _) => now - expires_at > AFTER_THE_END,
        (None, Some(first)) => now - first > LONGEST_PLAN,
        (None, None) => false,
    };
    if esim.is_over() || is_past {
        return None;
    }
    let by_time = match expires_at.map(|expires_at| expires_at - now) {
        Some(left) if left <= TimeDelta::days(1) => FAST,
        Some(left) if left <= TimeDelta::days(7) => STEADY,
        Some(_) | None => SLOW,
    };
    let percent = esim.usage.value().and_then(|usage| usage.percent()).filter(|_| !esim.is_depleted());
    let by_usage = match percent {
        Some(80..) => FAST,
        Some(50..) => STEADY,
        Some(_) | None => SLOW,
    };
    Some(by_time.min(by_usage))
}

/// When and why `lookup` should be asked again, after its answer was joined and its subject is `state`; `None` if never.
/// `asked` counts the answers so far, this one included.
pub fn next(
    provider: Provider,
    lookup: &Lookup,
    reason: Reason,
    state: Option<&State>,
    asked: u32,
    now: Timestamp,
) -> Option<(Reason, TimeDelta)> {
    let is_refuted = state.and_then(State::confirmation) == Some(Verdict::Refuted);
    if is_refuted && matches!(reason, Reason::Unconfirmed | Reason::Poll) {
        return None;
    }
    if reason != Reason::Poll && !state.is_some_and(|state| is_fulfilled(provider, lookup.question, reason, state)) {
        let position = usize::try_from(asked.saturating_sub(1)).ok()?;
        return PAUSES.get(position).map(|pause| (reason, *pause));
    }
    let State::Esim(esim) = state? else { return None };
    let after = pace(esim, now).filter(|_| polled(provider) == Some(lookup.question))?;
    Some((Reason::Poll, after))
}

fn is_fulfilled(provider: Provider, question: Question, reason: Reason, state: &State) -> bool {
    if reason == Reason::Unconfirmed {
        return !state.needs_confirmation();
    }
    match (question, state) {
        (_, State::Order(order)) => is_complete(provider, order),
        (Question::Esim, State::Esim(esim)) => !esim.install.is_empty() || esim.is_over(),
        (Question::Order | Question::Usage | Question::Payment, State::Esim(esim)) => !esim.usage.is_empty(),
        (_, State::Payment(payment)) => is_final(payment),
        (_, State::Return(_)) => true,
    }
}

/// eSIM Access says by a webhook that an order is complete, and only by its API with what.
fn is_complete(provider: Provider, order: &Order) -> bool {
    let is_proven = provider != Provider::EsimAccess || order.verdict() == Some(Verdict::Confirmed);
    order.status().is_final() && is_proven
}

fn is_final(payment: &Payment) -> bool {
    payment.status().is_final()
}

#[cfg(test)]
mod tests;
