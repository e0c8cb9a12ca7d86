//! When a provider's API is asked: what an event makes worth asking, and what remains to be asked after an answer.

use chrono::TimeDelta;
use shared::Timestamp;
use shared::confirmation::Verdict;
use shared::esim::Esim;
use shared::event::Event;
use shared::fact::{EntityKey, State};
use shared::lookup::{Hints, Lookup, LookupKind, LookupReason, LookupRequest, order_lookup};
use shared::order::{Order, OrderStatus};
use shared::origin::Origin;
use shared::payment::Payment;

use crate::dialect::Dialect;

/// Pauses between lookups while the expected answer does not come: about a day together.
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
/// Longer than Airalo's cache, which keeps an answer for 20 minutes.
const FAST: TimeDelta = TimeDelta::minutes(30);

/// How long a plan without a known end is asked about.
const LONGEST_PLAN: TimeDelta = TimeDelta::days(400);
/// How long after its end a plan is asked about: by then the provider should say that it has ended.
const AFTER_THE_END: TimeDelta = TimeDelta::days(7);

impl Dialect {
    /// What is worth asking after `event` was joined, about the one of its entities that is called `key` and is now
    /// `state`. To be called for every fresh event, fetched ones included: an answer may tell of an eSIM that no webhook
    /// announced.
    pub fn lookups_after(&self, event: &Event, key: &EntityKey, state: &State) -> Vec<LookupRequest> {
        match (event.origin, key, state) {
            (Origin::Clock, ..) => Vec::new(),
            (Origin::Fetch, EntityKey::Esim(reference), State::Esim(esim)) => {
                let poll = self.poll(reference, esim);
                // The lookup that was answered is rescheduled by its own answer.
                poll.filter(|poll| poll.lookup.kind.answer_kind() != event.kind).into_iter().collect()
            }
            (Origin::Fetch, ..) => Vec::new(),
            (_, EntityKey::Order(reference), State::Order(order)) => {
                self.about_order(event, reference, order, state).into_iter().collect()
            }
            (_, EntityKey::Esim(reference), State::Esim(esim)) => {
                let first = self.about_esim(reference, esim, state);
                first.into_iter().chain(self.poll(reference, esim)).collect()
            }
            (_, EntityKey::Payment(_), State::Payment(payment)) => {
                self.about_payment(key, payment, state).into_iter().collect()
            }
            (_, EntityKey::Return(_) | EntityKey::Order(_) | EntityKey::Esim(_) | EntityKey::Payment(_), _) => {
                Vec::new()
            }
        }
    }

    fn about_order(&self, event: &Event, reference: &str, order: &Order, state: &State) -> Option<LookupRequest> {
        let is_thin = self.lookup_policy.is_thin && order.status() == OrderStatus::Completed;
        let reason = if is_thin && state.confirmation() != Some(Verdict::Confirmed) {
            LookupReason::Thin
        } else if state.needs_confirmation() && !self.esim_tells_order(event) {
            LookupReason::Unconfirmed
        } else {
            return None;
        };
        self.due_now(order_lookup(reference, None), reason)
    }

    /// Whether the lookup of the event's eSIM tells of its order, too, so that another one would be superfluous.
    fn esim_tells_order(&self, event: &Event) -> bool {
        let has_code = |state: &State| matches!(state, State::Esim(esim) if !esim.install.is_empty());
        self.lookup_policy.esim_answer_tells_order && event.facts.iter().any(|fact| has_code(&fact.claims))
    }

    fn about_esim(&self, reference: &str, esim: &Esim, state: &State) -> Option<LookupRequest> {
        if self.lookup_policy.is_thin && esim.install.is_empty() && !esim.is_over() {
            return self.due_now(esim_lookup(LookupKind::Esim, reference, esim), LookupReason::Thin);
        }
        if !state.needs_confirmation() {
            return None;
        }
        let lookup = match self.lookup_policy.esim_confirmed_by {
            LookupKind::Order => order_lookup(esim.order_ref.value()?, None),
            kind @ (LookupKind::Esim | LookupKind::Usage | LookupKind::Payment) => esim_lookup(kind, reference, esim),
        };
        self.due_now(lookup, LookupReason::Unconfirmed)
    }

    fn about_payment(&self, key: &EntityKey, payment: &Payment, state: &State) -> Option<LookupRequest> {
        let hints = Hints { direction: payment.direction.value().copied(), ..Hints::default() };
        let lookup = Lookup { about: key.clone(), kind: LookupKind::Payment, hints };
        self.due_now(lookup, LookupReason::Unconfirmed).filter(|_| state.needs_confirmation())
    }

    fn poll(&self, reference: &str, esim: &Esim) -> Option<LookupRequest> {
        let kind = self.lookup_policy.polled?;
        // An eSIM is handed out with its code; a refuted one was not handed out.
        let is_wanted = !esim.install.is_empty() && esim.verdict() != Some(Verdict::Refuted);
        let after = pace(esim, esim.heard.last?).filter(|_| is_wanted)?;
        Some(LookupRequest { lookup: esim_lookup(kind, reference, esim), reason: LookupReason::Poll, after })
    }

    /// A lookup that is due at once, if the API supports it.
    fn due_now(&self, lookup: Lookup, reason: LookupReason) -> Option<LookupRequest> {
        self.supports(lookup.kind).then(|| LookupRequest { lookup, reason, after: TimeDelta::zero() })
    }

    /// When and why `lookup` should be asked again, after its answer was joined and its subject is `state`; `None` if
    /// never. `answers` counts the answers so far, this one included.
    pub fn next_lookup(
        &self,
        lookup: &Lookup,
        reason: LookupReason,
        state: Option<&State>,
        answers: u32,
        now: Timestamp,
    ) -> Option<(LookupReason, TimeDelta)> {
        let is_refuted = state.and_then(State::confirmation) == Some(Verdict::Refuted);
        if is_refuted && matches!(reason, LookupReason::Unconfirmed | LookupReason::Poll) {
            return None;
        }
        if reason != LookupReason::Poll && !state.is_some_and(|state| self.is_fulfilled(lookup.kind, reason, state)) {
            let position = usize::try_from(answers.saturating_sub(1)).ok()?;
            return PAUSES.get(position).map(|pause| (reason, *pause));
        }
        let State::Esim(esim) = state? else { return None };
        let after = pace(esim, now).filter(|_| self.lookup_policy.polled == Some(lookup.kind))?;
        Some((LookupReason::Poll, after))
    }

    fn is_fulfilled(&self, kind: LookupKind, reason: LookupReason, state: &State) -> bool {
        if reason == LookupReason::Unconfirmed {
            return !state.needs_confirmation();
        }
        match (kind, state) {
            (_, State::Order(order)) => self.is_complete(order),
            (LookupKind::Esim, State::Esim(esim)) => !esim.install.is_empty() || esim.is_over(),
            (LookupKind::Order | LookupKind::Usage | LookupKind::Payment, State::Esim(esim)) => !esim.usage.is_empty(),
            (_, State::Payment(payment)) => payment.status().is_final(),
            (_, State::Return(_)) => true,
        }
    }

    /// A thin webhook says that an order is complete; only the API says which eSIMs it brought.
    fn is_complete(&self, order: &Order) -> bool {
        let has_all = !self.lookup_policy.is_thin || order.verdict() == Some(Verdict::Confirmed);
        order.status().is_final() && has_all
    }
}

fn esim_lookup(kind: LookupKind, reference: &str, esim: &Esim) -> Lookup {
    let hints =
        Hints { order_ref: esim.order_ref.value().cloned(), iccid: esim.iccid.value().cloned(), ..Hints::default() };
    Lookup { about: EntityKey::Esim(reference.to_owned()), kind, hints }
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

#[cfg(test)]
mod tests;
