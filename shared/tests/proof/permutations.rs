//! Every order of seven events, for one real life or more of each provider: whatever came first, and however often each
//! event comes, what is known is the same, and so is what is true to tell.

use std::collections::{BTreeMap, BTreeSet};

use invariants::{Arrival, Outbox, States};
use shared::clock::Deadline;
use shared::confirmation::Verdict;
use shared::esim::{Esim, PlanStatus, ProfileStatus};
use shared::fact::State;
use shared::fold::{EntityId, Fold};
use shared::order::{Order, OrderStatus};
use shared::origin::{Mode, Provider};
use shared::payment::PaymentStatus;
use shared::return_request::ReturnStatus;
use shared::rules::Rules;

use crate::said::{self, DAY, HOUR, Said, access, airalo, airtm, at, trip, yoni};

const LENGTH: usize = 7;
const ORDERS: usize = 5_040;

/// Which of the events have come, a bit each.
type Seen = u8;

/// What is known of a life, and what was promised of it.
#[derive(Debug, Clone, Default)]
struct Known {
    states: States,
    outbox: Outbox,
}

impl Known {
    fn after(&self, Arrival { envelope, event }: &Arrival) -> Self {
        let Self { states, mut outbox } = self.clone();
        let mut fold = Fold::new(states, Rules::default());
        for action in fold.apply(&envelope.source, event) {
            outbox.promise(&envelope.source, action);
        }
        Self { states: fold.into_states(), outbox }
    }
}

/// A walk through all orders. Those that begin alike have their beginning in common.
#[derive(Default)]
struct Walk {
    events: Vec<Arrival>,
    /// The same, each received an hour later.
    copies: Vec<Arrival>,
    /// What is known once these events have come, whichever came first, and what is true to tell before any plan has
    /// ended and afterwards.
    known: BTreeMap<Seen, (States, [BTreeSet<String>; 2])>,
    orders: usize,
}

impl Walk {
    fn go(&mut self, seen: Seen, known: &Known, order: &mut Vec<usize>) {
        let holding = [at(0), at(20 * DAY)].map(|now| known.outbox.holding(&known.states, &Rules::default(), now));
        if let Some((states, told)) = self.known.get(&seen) {
            assert_eq!(&known.states, states, "known after {order:?}");
            assert_eq!(&holding, told, "true to tell after {order:?}");
        } else {
            // What copies do depends on nothing but what is known, so that it is enough to try them once.
            self.repeat(known, order);
            self.known.insert(seen, (known.states.clone(), holding));
        }
        self.orders += usize::from(order.len() == self.events.len());
        for next in 0..self.events.len() {
            let bit = 1 << next;
            if seen & bit == 0 {
                order.push(next);
                self.go(seen | bit, &known.after(&self.events[next]), order);
                order.pop();
            }
        }
    }

    /// All that has come once more, which changes nothing, and then received again, which ends alike either way round.
    fn repeat(&self, known: &Known, order: &[usize]) {
        let again = order.iter().rev().fold(known.clone(), |known, n| known.after(&self.events[*n]));
        assert_eq!(again.states, known.states, "{order:?}, then all of it in reverse");
        let copied = order.iter().fold(known.clone(), |known, n| known.after(&self.copies[*n]));
        let otherwise = order.iter().rev().fold(Known::default(), |known, n| {
            known.after(&self.copies[*n]).after(&self.events[*n]).after(&self.copies[*n])
        });
        assert_eq!(copied.states, otherwise.states, "{order:?}, with copies behind it and in between");
    }
}

/// Where the life ends in each of its orders.
#[track_caller]
fn check(life: [Said; LENGTH]) -> States {
    let events: Vec<_> = life.iter().map(Said::read).collect();
    let copies = life.into_iter().map(|said| said.late(HOUR).read()).collect();
    let mut walk = Walk { events, copies, ..Walk::default() };
    walk.go(0, &Known::default(), &mut Vec::new());
    assert_eq!((walk.orders, walk.known.len()), (ORDERS, 1 << LENGTH));
    walk.known.remove(&Seen::MAX.wrapping_shr(1)).unwrap().0
}

#[track_caller]
fn order<'a>(states: &'a States, provider: Provider, reference: &str) -> &'a Order {
    let id = EntityId { source: provider.to_string(), key: said::order(reference) };
    let Some(State::Order(order)) = states.get(&id) else { panic!("no order {reference}") };
    order
}

#[track_caller]
fn esim<'a>(states: &'a States, provider: Provider, reference: &str) -> &'a Esim {
    let id = EntityId { source: provider.to_string(), key: said::esim(reference) };
    let Some(State::Esim(esim)) = states.get(&id) else { panic!("no eSIM {reference}") };
    esim
}

#[track_caller]
fn payment(states: &States, reference: &str) -> (PaymentStatus, Option<Verdict>) {
    let id = EntityId { source: Provider::Airtm.to_string(), key: said::payment(reference) };
    let Some(State::Payment(payment)) = states.get(&id) else { panic!("no payment {reference}") };
    (payment.status(), payment.verdict())
}

const CONFIRMED: Option<Verdict> = Some(Verdict::Confirmed);
const UNCONFIRMED: Option<Verdict> = Some(Verdict::Unconfirmed);
const REFUTED: Option<Verdict> = Some(Verdict::Refuted);
const ESIM: access::Esim = access::Esim("B1", "8943");

#[test]
fn esim_access_from_the_order_to_the_first_use() {
    let states = check([
        ESIM.order(DAY, "GOT_RESOURCE"),
        ESIM.profile(2 * DAY, 1, "DOWNLOAD"),
        ESIM.profile(2 * DAY, 2, "INSTALLATION"),
        ESIM.profile(2 * DAY, 3, "ENABLED"),
        ESIM.status(3 * DAY, "IN_USE", "ENABLED"),
        ESIM.usage(4 * DAY, 1000, 500),
        ESIM.profile(5 * DAY, 4, "DISABLED"),
    ]);
    assert_eq!(order(&states, Provider::EsimAccess, "B1").status(), OrderStatus::Completed);
    let esim = esim(&states, Provider::EsimAccess, "B1/8943");
    assert_eq!(esim.plan_status(), Some(PlanStatus::Active), "a stale status takes nothing back");
    assert_eq!(esim.profile_status(), Some(ProfileStatus::Disabled));
    assert_eq!(esim.reached_percent, BTreeMap::from([(1000, 50)]));
}

#[test]
fn esim_access_with_different_words_of_one_time() {
    let states = check([
        ESIM.profile(3 * DAY, 7, "INSTALLATION"),
        ESIM.profile(3 * DAY, 7, "DISABLED"),
        ESIM.profile(3 * DAY, 6, "ENABLED"),
        ESIM.status(3 * DAY, "USED_UP", "INSTALLATION"),
        ESIM.status(3 * DAY, "SUSPENDED", "ENABLED"),
        ESIM.status(3 * DAY, "IN_USE", "DELETED"),
        ESIM.status(3 * DAY, "USED_EXPIRED", "RELEASED"),
    ]);
    let esim = esim(&states, Provider::EsimAccess, "B1/8943");
    let words = (esim.provider_plan_status.value().unwrap(), esim.provider_profile_status.value().unwrap());
    assert_eq!((esim.plan_status(), words.0.as_str()), (Some(PlanStatus::Expired), "USED_EXPIRED"));
    assert_eq!((esim.profile_status(), words.1.as_str()), (Some(ProfileStatus::Disabled), "DISABLED"));
}

#[test]
fn esim_access_from_the_last_bytes_over_a_top_up_to_the_end() {
    let states = check([
        ESIM.usage(5 * DAY, 1000, 850),
        ESIM.status(6 * DAY, "USED_UP", "ENABLED"),
        ESIM.status(7 * DAY, "IN_USE", "ENABLED"),
        ESIM.usage(8 * DAY, 3000, 1500),
        ESIM.validity(11 * DAY, 12 * DAY, 1),
        ESIM.profile(11 * DAY, 9, "ENABLED"),
        ESIM.status(12 * DAY, "USED_EXPIRED", "DISABLED"),
    ]);
    let esim = esim(&states, Provider::EsimAccess, "B1/8943");
    assert_eq!((esim.plan_status(), esim.profile_status()), (Some(PlanStatus::Expired), Some(ProfileStatus::Disabled)));
    let each = BTreeMap::from([(1000, 85), (3000, 50)]);
    assert_eq!(esim.reached_percent, each, "each allowance has warnings of its own");
    assert_eq!(esim.total_bytes(), Some(3000));
    assert_eq!(esim.expires_at.value(), Some(&at(12 * DAY)));
}

#[test]
fn esim_access_after_a_top_up_the_plan_is_active_again() {
    let states = check([
        ESIM.status(3 * DAY, "IN_USE", "ENABLED"),
        ESIM.usage(4 * DAY, 1000, 900),
        ESIM.status(5 * DAY, "USED_UP", "ENABLED"),
        ESIM.usage(6 * DAY, 2000, 1000),
        ESIM.status(6 * DAY, "IN_USE", "ENABLED"),
        ESIM.profile(7 * DAY, 7, "ENABLED"),
        ESIM.status(5 * DAY + 1, "SUSPENDED", "DISABLED"),
    ]);
    assert_eq!(esim(&states, Provider::EsimAccess, "B1/8943").plan_status(), Some(PlanStatus::Active));
}

#[test]
fn esim_access_with_what_its_api_answers() {
    let states = check([
        ESIM.order(HOUR, "GOT_RESOURCE"),
        ESIM.answers_order(DAY, None, "GETTING_RESOURCE"),
        ESIM.answers_order(2 * DAY, Some("C"), "GOT_RESOURCE"),
        ESIM.profile(3 * DAY, 1, "INSTALLATION"),
        ESIM.answers_esim(4 * DAY, Some("C"), "IN_USE", 200),
        ESIM.usage(5 * DAY, 1000, 500),
        ESIM.status(6 * DAY, "USED_UP", "ENABLED"),
    ]);
    let order = order(&states, Provider::EsimAccess, "B1");
    assert_eq!((order.status(), order.verdict()), (OrderStatus::Completed, CONFIRMED));
    let esim = esim(&states, Provider::EsimAccess, "B1/8943");
    assert_eq!((esim.plan_status(), esim.verdict()), (Some(PlanStatus::Depleted), CONFIRMED));
    assert_eq!(esim.install.value().and_then(|install| install.pin.as_deref()), Some("1234"));
}

#[test]
fn esim_access_with_dates_that_tie_and_dates_that_are_wrong() {
    let states = check([
        ESIM.plan(DAY, "IN_USE").dated(9 * DAY),
        ESIM.plan(2 * DAY, "CANCEL").undated(),
        ESIM.plan(3 * DAY, "GOT_RESOURCE"),
        ESIM.plan(3 * DAY, "SUSPENDED").late(HOUR),
        ESIM.profile(3 * DAY, 2, "DISABLED"),
        ESIM.profile(3 * DAY, 3, "ENABLED"),
        ESIM.profile(3 * DAY, None, "DELETED"),
    ]);
    let esim = esim(&states, Provider::EsimAccess, "B1/8943");
    assert_eq!(esim.plan_status(), Some(PlanStatus::Suspended), "a date counts, if it can be believed; then the rank");
    assert_eq!(esim.profile_status(), Some(ProfileStatus::Enabled), "of one moment the highest number is the newest");
}

#[test]
fn airalo_from_the_order_over_two_warnings_to_a_top_up() {
    let states = check([
        airalo::order_of(DAY, "r1", "891", "TEST"),
        airalo::warning(2 * DAY, "891", "75%"),
        airalo::warning(4 * DAY, "891", "90%"),
        airalo::warning(6 * DAY, "891", "3days"),
        airalo::top_up(7 * DAY, "r2"),
        airalo::failure(8 * DAY, "r3", "no stock"),
        airalo::credit(9 * DAY, 80),
    ]);
    let order = |reference| order(&states, Provider::Airalo, reference);
    assert_eq!((order("r1").status(), order("r2").status()), (OrderStatus::Completed, OrderStatus::Completed));
    assert_eq!(order("r3").failure_reason(), Some("no stock"));
    let esim = esim(&states, Provider::Airalo, "891");
    assert_eq!(esim.low_data_alert.value().map(|alert| alert.level), Some(90), "the one that was received last");
    assert_eq!(esim.expiry_alert.value().map(|alert| alert.level), Some(3));
    assert_eq!(esim.package_name.value().unwrap(), "Bonbon");
}

#[test]
fn airalo_with_what_its_api_answers() {
    let states = check([
        airalo::order_of(HOUR, "r1", "891", "TEST"),
        airalo::denies_order(DAY, "r1"),
        airalo::answers_order(2 * DAY, "r1", ("891", "TEST"), "completed"),
        airalo::answers_usage(3 * DAY, "891", "ACTIVE", 500, 19 * DAY),
        airalo::answers_usage(4 * DAY, "891", "FINISHED", 0, 19 * DAY),
        airalo::answers_usage(5 * DAY, "891", "ACTIVE", 512, 29 * DAY),
        airalo::warning(6 * DAY, "891", "3days"),
    ]);
    assert_eq!(order(&states, Provider::Airalo, "r1").verdict(), CONFIRMED);
    let esim = esim(&states, Provider::Airalo, "891");
    assert_eq!((esim.plan_status(), esim.verdict()), (Some(PlanStatus::Active), CONFIRMED));
    assert_eq!(esim.plan.at(), Some(at(5 * DAY - 20 * 60)), "its usage is cached for twenty minutes");
    assert_eq!(esim.usage.value().unwrap().used_bytes, 512 * 1024 * 1024);
}

#[test]
fn yoni_with_one_order_that_contradicts_itself() {
    let states = check([
        yoni::result(1, "1", "8910", "C", "COMPLETED"),
        yoni::result(2, "1", "8910", "C", "FAILED"),
        yoni::result(3, "2", "", "C", "FAILED"),
        yoni::result(4, "3", "8911", "C", "COMPLETED"),
        yoni::result(5, "4", "8912", "C", "PENDING_REVIEW"),
        yoni::result(6, "4", "8912", "C", "COMPLETED"),
        yoni::result(7, "4", "8912", "D", "COMPLETED"),
    ]);
    let order = |reference| order(&states, Provider::Yoni, reference);
    let seen = |reference| (order(reference).status(), order(reference).needs_review());
    assert_eq!((seen("1"), seen("2")), ((OrderStatus::Completed, true), (OrderStatus::Failed, false)));
    assert_eq!((seen("3"), seen("4")), ((OrderStatus::Completed, false), (OrderStatus::Completed, true)));
    assert_eq!(esim(&states, Provider::Yoni, "8910").plan_status(), Some(PlanStatus::Allocated));
    let code = esim(&states, Provider::Yoni, "8912").install.value().map(|install| install.activation_code.as_str());
    assert_eq!(code, Some("LPA:1$rsp.demo$D"), "of two without a date, the greater");
}

#[test]
fn yoni_with_doorbells_that_its_api_confirms_and_refutes() {
    let states = check([
        yoni::result(0, "1", "8910", "FORGED", "COMPLETED"),
        yoni::result(5, "1", "8910", "X", "COMPLETED"),
        yoni::denies(70, "1", "8910"),
        yoni::answers(90, "1", "8910", "X", "COMPLETED"),
        yoni::result(100, "1", "8910", "GOOD", "COMPLETED"),
        yoni::result(200, "2", "", "C", "FAILED"),
        yoni::denies_order(300, "2"),
    ]);
    let order = |reference| order(&states, Provider::Yoni, reference);
    assert_eq!((order("1").verdict(), order("2").verdict()), (CONFIRMED, REFUTED));
    let esim = esim(&states, Provider::Yoni, "8910");
    assert_eq!(esim.verdict(), CONFIRMED, "the code in force is the API's");
    assert!(!esim.confirmation.is_refuted(), "the last doorbell rang after the API was asked");
}

#[test]
fn simplifytrip_from_a_physical_sim_to_its_return() {
    let states = check([
        trip::step(DAY, "7", "NEW"),
        trip::step(2 * DAY, "7", "CONFIRMED"),
        trip::step(3 * DAY, "7", "DELIVERING"),
        trip::step(4 * DAY, "7", "SUCCESS"),
        trip::returned(5 * DAY, "r", "7", "REVIEWING"),
        trip::returned(6 * DAY, "r", "7", "APPROVED"),
        trip::returned(6 * DAY, "r", "7", "REJECTED"),
    ]);
    assert_eq!(order(&states, Provider::Simplifytrip, "7").status(), OrderStatus::Completed);
    let id = EntityId { source: "simplifytrip".to_owned(), key: shared::fact::EntityKey::Return("r".to_owned()) };
    let Some(State::Return(request)) = states.get(&id) else { panic!("no return") };
    assert_eq!(request.status(), ReturnStatus::Approved, "of one moment: the rank decides");
}

#[test]
fn simplifytrip_with_orders_of_esims() {
    let states = check([
        trip::failure(DAY, "8", "no stock"),
        trip::success(2 * DAY, "8", "8981", "C"),
        trip::success(3 * DAY, "9", "8982", "C"),
        trip::failure(4 * DAY, "9", "taken back"),
        trip::answers_order(5 * DAY, "8", ("8981", "C"), "SUCCESS"),
        trip::answers_esim(6 * DAY, "8981", "IN_USE", (5 * DAY, "ENABLED"), 30 * DAY),
        trip::answers_esim(7 * DAY, "8981", "IN_USE", (6 * DAY, "DISABLED"), 40 * DAY),
    ]);
    let order = |reference| order(&states, Provider::Simplifytrip, reference);
    assert_eq!((order("8").status(), order("8").needs_review()), (OrderStatus::Completed, false), "the newer of two");
    assert_eq!(order("9").status(), OrderStatus::Failed);
    let esim = |reference| esim(&states, Provider::Simplifytrip, reference);
    assert_eq!(esim("8982").plan_status(), Some(PlanStatus::Allocated));
    assert_eq!(esim("8981").profile_status(), Some(ProfileStatus::Disabled));
    assert_eq!(esim("8981").expires_at.value(), Some(&at(40 * DAY)));
}

#[test]
fn simplifytrip_with_tests_among_what_is_real() {
    let states = check([
        trip::success(DAY, "8", "8981", "C").test(),
        trip::failure(2 * DAY, "8", "no stock"),
        trip::step(DAY, "7", "DELIVERING").test(),
        trip::step(2 * DAY, "7", "SUCCESS").test(),
        trip::returned(3 * DAY, "r", "7", "APPROVED").test(),
        trip::success(3 * DAY, "9", "8982", "C"),
        trip::step(4 * DAY, "9", "SUCCESS"),
    ]);
    let order = |reference| order(&states, Provider::Simplifytrip, reference);
    assert_eq!(order("8").mode(), Mode::Test, "what was once marked as a test stays one");
    assert_eq!((order("7").mode(), order("9").mode()), (Mode::Test, Mode::Live));
}

#[test]
fn airtm_with_both_directions_and_generations() {
    let states = check([
        airtm::operation(60, "in", "purchase", "created"),
        airtm::operation(120, "in", "purchase", "confirmed"),
        airtm::operation(60, "out", "payout", "pending"),
        airtm::operation(540, "out", "payout", "canceled"),
        airtm::event(60, "v2", "payin.created", "CREATED"),
        airtm::event(120, "v2", "payin.failed", "BRIDGE_FAILED"),
        // Of the same moment: the rank decides.
        airtm::operation(540, "out", "payout", "committed"),
    ]);
    assert_eq!(payment(&states, "in"), (PaymentStatus::Succeeded, UNCONFIRMED));
    assert_eq!(payment(&states, "out"), (PaymentStatus::Cancelled, UNCONFIRMED));
    assert_eq!(payment(&states, "v2"), (PaymentStatus::Failed, CONFIRMED));
}

#[test]
fn airtm_with_what_its_api_answers() {
    let states = check([
        airtm::operation(0, "in", "purchase", "confirmed"),
        airtm::answers(61, "in", "purchase", "CREATED", 0),
        airtm::operation(300, "in", "purchase", "confirmed"),
        airtm::answers(302, "in", "purchase", "CONFIRMED", 300),
        airtm::bare(10, "v2", "COMPLETED"),
        airtm::event(20, "v2", "payout.completed", "COMPLETED"),
        airtm::denies(400, "v2"),
    ]);
    assert_eq!(payment(&states, "in"), (PaymentStatus::Succeeded, CONFIRMED));
    assert_eq!(payment(&states, "v2"), (PaymentStatus::Succeeded, CONFIRMED), "a signature is proof enough");
}

#[test]
fn our_own_clock_among_what_a_provider_says() {
    let end = 12 * DAY;
    let notice =
        |days: &str| Deadline::Expiring { esim_ref: ESIM.reference(), expires_at: at(end), days: days.to_owned() };
    let expired = Deadline::Expired { esim_ref: ESIM.reference(), expires_at: at(end) };
    let silent = Deadline::Silent { order_ref: "B1".to_owned(), since: at(0) };
    let by_the_clock = |seconds, deadline: &Deadline| Said::deadline(Provider::EsimAccess, seconds, deadline);
    let states = check([
        by_the_clock(HOUR, &silent),
        ESIM.order(2 * HOUR, "GOT_RESOURCE"),
        ESIM.validity(9 * DAY, end, 3),
        by_the_clock(9 * DAY, &notice("3")),
        by_the_clock(11 * DAY, &notice("1")),
        by_the_clock(end, &expired),
        ESIM.plan(13 * DAY, "IN_USE"),
    ]);
    let order = order(&states, Provider::EsimAccess, "B1");
    assert!(!order.is_silent() && order.silent_since.value() == Some(&at(0)));
    let esim = esim(&states, Provider::EsimAccess, "B1/8943");
    assert_eq!(esim.plan_status(), Some(PlanStatus::Active), "what the provider says of a later time is newer");
    assert_eq!(esim.heard.last, Some(at(13 * DAY)), "our own clock is nobody that we hear from");
}
