//! What is promised, over whole lives: each promise once, none for what changes nothing, and at the end only what is true.

use invariants::{Inbox, Worker};
use shared::action::Action;
use shared::clock::Deadline;
use shared::origin::Provider;

use crate::said::{DAY, HOUR, Said, access, airalo, airtm, at, trip, yoni};

const ESIM: access::Esim = access::Esim("B1", "8901");

/// As `kind`, or `kind used_percent`, or `kind days_left`.
fn describe(action: &Action) -> String {
    let detail = action.payload.get("used_percent").or_else(|| action.payload.get("days_left"));
    detail.map_or_else(|| action.kind.as_str().to_owned(), |detail| format!("{} {detail}", action.kind.as_str()))
}

/// What each thing that is said makes us promise.
#[track_caller]
fn check(life: &[Said], expected: &[&[&str]]) {
    let mut worker = Worker::default();
    let promised = life.iter().map(|said| worker.apply(Inbox::EveryTime, [&said.read()]));
    let promised: Vec<Vec<String>> = promised.map(|actions| actions.iter().map(describe).collect()).collect();
    assert_eq!(promised, expected);
}

#[test]
fn a_life_is_told_step_by_step() {
    check(
        &[ESIM.profile(1, 1, "DOWNLOAD"), ESIM.profile(2, 2, "INSTALLATION"), ESIM.profile(3, 3, "ENABLED")],
        &[&[], &["esim_installed"], &[]],
    );
    check(&[ESIM.plan(5, "IN_USE"), ESIM.plan(9, "CANCEL")], &[&["esim_activated"], &["esim_cancelled"]]);
    check(&[ESIM.plan(5, "SUSPENDED"), ESIM.plan(9, "REVOKED")], &[&["esim_suspended"], &["esim_revoked"]]);
    check(&[ESIM.plan(5, "USED_EXPIRED"), ESIM.plan(4, "IN_USE")], &[&["esim_expired"], &[]]);
}

#[test]
fn the_code_is_told_when_it_is_known_and_once() {
    let completed = yoni::result(0, "Y1", "8901", "X", "COMPLETED");
    check(&[completed.clone(), completed.late(3)], &[&["esim_ready"], &[]]);
}

#[test]
fn two_finals_without_dates_are_for_somebody_to_look_at() {
    let result = |result| yoni::result(0, "Y1", "8901", "X", result);
    check(&[result("FAILED"), result("COMPLETED")], &[&["order_failed"], &["order_needs_review", "esim_ready"]]);
}

#[test]
fn low_data_is_told_rising_and_once_a_level() {
    check(
        &[ESIM.usage(1, 1_000, 500), ESIM.usage(2, 1_000, 510), ESIM.usage(3, 1_000, 910), ESIM.usage(4, 1_000, 800)],
        &[&["low_data 50"], &[], &["low_data 90"], &[]],
    );
}

#[test]
fn a_top_up_re_arms_the_warnings() {
    check(
        &[
            ESIM.plan(0, "IN_USE"),
            ESIM.usage(1, 1_000, 900),
            ESIM.plan(2, "USED_UP"),
            ESIM.usage(3, 2_000, 1_000),
            ESIM.plan(4, "IN_USE"),
            ESIM.usage(5, 2_000, 1_600),
        ],
        &[&["esim_activated"], &["low_data 90"], &["data_depleted"], &[], &["low_data 50"], &["low_data 80"]],
    );
}

#[test]
fn nothing_is_low_once_it_is_used_up_or_over() {
    check(&[ESIM.plan(2, "USED_UP"), ESIM.usage(1, 1_000, 900)], &[&["data_depleted"], &[]]);
    check(&[ESIM.plan(2, "CANCEL"), ESIM.usage(3, 1_000, 900)], &[&["esim_cancelled"], &[]]);
}

#[test]
fn used_up_twice_is_told_twice_if_it_was_filled_up_between() {
    check(
        &[ESIM.plan(1, "USED_UP"), ESIM.plan(2, "USED_UP"), ESIM.plan(3, "IN_USE"), ESIM.plan(4, "USED_UP")],
        &[&["data_depleted"], &[], &["esim_activated"], &["data_depleted"]],
    );
}

#[test]
fn an_end_that_was_taken_back_is_told_again_when_it_comes_after_all() {
    let ended = |end: i64| {
        let deadline = Deadline::Expired { esim_ref: "B1/8901".to_owned(), expires_at: at(end) };
        Said::deadline(Provider::EsimAccess, end + HOUR, &deadline)
    };
    check(
        &[
            ESIM.plan(0, "IN_USE"),
            ESIM.validity(DAY, 2 * DAY, 1),
            ended(2 * DAY),
            ESIM.validity(9 * DAY, 10 * DAY, 1),
            ended(10 * DAY),
            ESIM.plan(10 * DAY + HOUR, "USED_EXPIRED"),
        ],
        &[&["esim_activated"], &["expiring_soon 1"], &["esim_expired"], &["expiring_soon 1"], &["esim_expired"], &[]],
    );
}

#[test]
fn an_alert_that_comes_again_another_day_is_another_alert() {
    check(
        &[
            airalo::warning(0, "8901", "75%"),
            airalo::warning(8 * DAY, "8901", "75%"),
            airalo::warning(9 * DAY, "8901", "3days"),
        ],
        &[&["low_data 75"], &["low_data 75"], &["expiring_soon 3"]],
    );
}

#[test]
fn only_the_expiry_in_force_is_announced() {
    let (sooner, later) = (ESIM.validity(1, DAY, 1), ESIM.validity(2, 32 * DAY, 3));
    check(&[sooner.clone(), later.clone()], &[&["expiring_soon 1"], &["expiring_soon 3"]]);
    check(&[later, sooner], &[&["expiring_soon 3"], &[]]);
}

#[test]
fn a_later_notice_of_one_end_replaces_the_earlier_one() {
    let (early, late) = (ESIM.validity(1, 8 * DAY, 3), ESIM.validity(2, 8 * DAY, 1));
    check(&[early.clone(), late.clone()], &[&["expiring_soon 3"], &["expiring_soon 1"]]);
    check_true_in_any_order([early, late], &["expiring_soon"]);
}

fn life() -> Vec<Said> {
    vec![
        ESIM.profile(1, 1, "INSTALLATION"),
        ESIM.profile(2, 2, "ENABLED"),
        ESIM.plan(3, "IN_USE"),
        ESIM.usage(4, 1_000, 500),
        ESIM.usage(5, 1_000, 900),
        ESIM.plan(6, "USED_UP"),
        ESIM.usage(7, 3_000, 1_500),
        ESIM.plan(8, "IN_USE"),
        ESIM.usage(9, 3_000, 2_500),
        ESIM.validity(10, DAY, 1),
        ESIM.validity(11, 8 * DAY, 3),
        ESIM.plan(12, "SUSPENDED"),
        ESIM.plan(13, "IN_USE"),
        ESIM.profile(14, 3, "DELETED"),
        ESIM.plan(15, "USED_EXPIRED"),
    ]
}

/// Of all that was promised in a life what still holds at its end: what a relay would send that slept all the time.
#[track_caller]
fn check_true_at_the_end(life: &[Said], expected: &[&str]) {
    let mut worker = Worker::default();
    life.iter().for_each(|said| drop(worker.apply(Inbox::EveryTime, [&said.read()])));
    worker.check_end();
    let holding = worker.holding(at(HOUR));
    let kinds: Vec<&str> = holding.iter().filter_map(|told| told.split(' ').nth(1)).collect();
    assert_eq!(kinds, expected);
}

#[test]
fn a_sleeping_relay_wakes_up_to_the_truth() {
    let check = |count: usize, expected: &[&str]| check_true_at_the_end(&life()[..count], expected);
    check(5, &["esim_activated", "esim_installed", "low_data"]);
    check(6, &["data_depleted", "esim_installed"]);
    check(9, &["esim_activated", "esim_installed", "low_data"]);
    check(11, &["esim_activated", "esim_installed", "expiring_soon", "low_data"]);
    check(12, &["esim_installed", "esim_suspended", "expiring_soon", "low_data"]);
    check(15, &["esim_expired"]);
}

/// Both ways round.
#[track_caller]
fn check_true_in_any_order(life: [Said; 2], expected: &[&str]) {
    let [one, other] = life;
    check_true_at_the_end(&[one.clone(), other.clone()], expected);
    check_true_at_the_end(&[other, one], expected);
}

#[test]
fn money_that_does_not_come_is_told_of_once_whether_it_failed_or_was_cancelled() {
    let payment = |seconds, status| airtm::operation(seconds, "p", "purchase", status);
    check(&[payment(1, "failed"), payment(2, "canceled")], &[&["payment_failed"], &[]]);
    check_true_in_any_order([payment(1, "failed"), payment(2, "canceled")], &["payment_failed"]);
    check_true_in_any_order([payment(1, "canceled"), payment(2, "failed")], &["payment_failed"]);
}

#[test]
fn a_payment_that_turns_out_to_be_a_payout_is_told_of_as_one() {
    let (bare, event) = (airtm::bare(1, "p", "COMPLETED"), airtm::event(2, "p", "payout.completed", "COMPLETED"));
    check(&[bare.clone(), event.clone()], &[&["payment_succeeded"], &["payout_succeeded"]]);
    check_true_in_any_order([bare, event], &["payout_succeeded"]);
}

#[test]
fn an_order_that_turns_out_to_be_of_esims_has_delivered_no_sim() {
    let (sim, esim) = (trip::step(1, "7", "SUCCESS"), trip::success(2, "7", "8901", "C"));
    check(&[sim.clone(), esim.clone()], &[&["sim_delivered"], &["esim_ready"]]);
    check_true_in_any_order([sim, esim], &["esim_ready"]);
}

#[test]
fn what_an_event_says_twice_of_one_esim_is_told_as_it_ends() {
    check(&[airalo::order_with(1, "r1", &[("891", "A"), ("891", "B")])], &[&["esim_ready"]]);
    check_true_at_the_end(&[airalo::order_with(1, "r1", &[("891", "A"), ("891", "B")])], &["esim_ready"]);
}
