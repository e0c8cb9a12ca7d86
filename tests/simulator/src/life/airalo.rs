//! A life at Airalo: an order with one eSIM or several, warnings, a top-up; or an order that fails; or the shop's credit.

use super::Story;
use crate::dialect::airalo::{Alert, Level, Order, Package, Place, Sim, credit};
use crate::event::{Inbox, Time};

const PACKAGES: [Package; 4] = [
    Package {
        code: "kallur-digital-7days-1gb",
        name: "Kallur Digital-1 GB - 7 Days",
        data: "1 GB",
        days: 7,
        price: "9.50",
    },
    Package { code: "bonbon-7gb-10days", name: "Bonbon Mobile-7 GB - 10 Days", data: "7 GB", days: 10, price: "18" },
    Package { code: "change-in-30days-20gb", name: "Change-20 GB - 30 Days", data: "20 GB", days: 30, price: "36.00" },
    Package {
        code: "merhaba-15days-unl",
        name: "Merhaba-Unlimited - 15 Days",
        data: "Unlimited",
        days: 15,
        price: "29.99",
    },
];

const REASONS: [&str; 3] = [
    "The requested operator is currently undergoing maintenance",
    "Package is out of stock",
    "Unexpected error / please retry",
];

pub(super) fn tell(story: &mut Story) {
    let born = story.born;
    match story.random.below(100) {
        0..3 => tell_credit(story),
        3..12 => {
            let reason = story.random.pick(&REASONS);
            let order = order(story, born, Vec::new());
            tell_order(story, born, &Order { reason: Some(reason), ..order });
        }
        _ => tell_purchase(story),
    }
}

fn tell_credit(story: &mut Story) {
    let mut at = story.born;
    for level in [50, 70, 80, 90] {
        // Long enough that no other alert has the same: it is all that tells two of them apart.
        let remaining = format!("{}.{}", story.random.between(1..=9), story.ids.digits(8));
        let (body, meaning) = credit(level, remaining.trim_end_matches('0'));
        story.tell(at, body, meaning, Inbox::default());
        at += story.hours(1, 200);
    }
}

fn tell_purchase(story: &mut Story) {
    let born = story.born;
    let count = if story.random.chance(0.15) { story.random.between(2..=4) } else { 1 };
    let sims: Vec<_> = (0..count).map(|_| sim(story)).collect();
    let order = order(story, born, sims);
    tell_order(story, born, &order);
    for sim in &order.sims {
        tell_use(story, born, &order, sim);
    }
}

/// "Sent when data usage reaches 75% and 90%, and 3 days and 1 day before expiration."
fn tell_use(story: &mut Story, born: Time, order: &Order, sim: &Sim) {
    if !story.random.chance(0.7) {
        return;
    }
    let activated = born + story.hours(1, 100);
    let ends = activated + chrono::TimeDelta::days(order.package.days.into());
    let alert = |story: &mut Story, at: Time, level, remaining_percent| {
        let package_code = order.package.code;
        let alert = Alert { level, package_code, remaining_percent, iccid: sim.iccid.clone() };
        story.tell(at, alert.body(), alert.meaning(), alert.inbox());
    };
    let mut at = activated + story.hours(5, 60);
    alert(story, at, Level::Percent(75), 25);
    at += story.hours(1, 30);
    alert(story, at, Level::Percent(90), 10);
    if story.random.chance(0.3) {
        at += story.hours(1, 20);
        tell_top_up(story, at, order);
        // The same eSIM, the same level; and, now and then, byte for byte the same warning.
        let remaining_percent = if story.random.chance(0.5) { 25 } else { 24 };
        at += story.hours(10, 60);
        alert(story, at, Level::Percent(75), remaining_percent);
    }
    for days in [3, 1] {
        let remaining_percent = u32::try_from(story.random.between(0..=60)).unwrap_or_default();
        alert(story, ends - chrono::TimeDelta::days(days.into()), Level::Days(days), remaining_percent);
    }
}

/// An order of its own, without eSIMs.
fn tell_top_up(story: &mut Story, at: Time, first: &Order) {
    let order = order(story, at, Vec::new());
    let order = Order { is_top_up: true, package: first.package, ..order };
    tell_order(story, at, &order);
}

fn tell_order(story: &mut Story, at: Time, order: &Order) {
    let done = at + story.seconds(2, 600);
    story.tell(done, order.body(), order.meaning(), order.inbox());
}

fn order(story: &mut Story, created_at: Time, sims: Vec<Sim>) -> Order {
    Order {
        request_id: story.ids.letters(25),
        id: 10_000_000 + story.ids.below(80_000_000),
        place: story.random.pick(&[Place::Root, Place::Root, Place::Nested, Place::Flat]),
        has_quantity_as_text: story.random.chance(0.5),
        has_numbers_as_text: story.random.chance(0.3),
        package: story.random.pick(&PACKAGES),
        is_top_up: false,
        created_at,
        sims,
        reason: None,
        has_news: story.random.chance(0.2),
    }
}

fn sim(story: &mut Story) -> Sim {
    let iccid = story.iccid();
    Sim { id: 10_000_000 + story.ids.below(80_000_000), iccid, matching_id: story.ids.letters(20) }
}
