//! A life at eSIM Access: an order of one eSIM or several, each of which is installed or not, used, warned of, topped up,
//! used up, suspended, revoked, cancelled, and ends.

use chrono::{SubsecRound as _, TimeDelta};

use super::Story;
use crate::dialect::esim_access::{Content, Form, Names, Notice, Usage};
use crate::event::Time;

const GB: u64 = 1 << 30;
const TOTALS: [u64; 5] = [GB, 3 * GB, 5 * GB, 10 * GB, 50 * GB];
const DAYS: [u32; 5] = [1, 3, 7, 15, 30];
/// The share that remains, in hundredths, and as it is written.
const THRESHOLDS: [(u64, &str); 3] = [(50, "0.5"), (20, "0.2"), (10, "0.1")];
/// When VALIDITY_USAGE is sent, in days before the end: 1 is documented.
const NOTICES: [u32; 6] = [1, 1, 1, 3, 7, 10];
/// Our clock gives notice three days and one day before the end: an end does not lie so near to such a moment, seen from
/// the base time, that it would depend on how long a run takes.
const TURNS: [TimeDelta; 3] = [TimeDelta::zero(), TimeDelta::days(1), TimeDelta::days(3)];
const TURN: TimeDelta = TimeDelta::hours(2);

/// An eSIM while its life is told.
struct Esim {
    names: Names,
    form: Form,
    with_offset: bool,
    /// Of the profile's steps; `None`: the provider numbers none.
    sequence: Option<u64>,
    plan: &'static str,
    profile: &'static str,
    usage: Usage,
}

pub(super) fn tell(story: &mut Story) {
    let form = if story.random.chance(0.5) { Form::Year2025 } else { Form::Year2026 };
    if story.random.chance(0.02) {
        return tell_oddities(story, form);
    }
    let order_no = format!("B{}", story.ids.digits(14));
    let transaction = story.random.chance(0.8).then(|| story.ids.hex(16));
    let count = if story.random.chance(0.15) { story.random.between(2..=3) } else { 1 };
    let at = story.born + story.seconds(1, 60);
    let mut first = esim(story, form, &order_no, transaction.clone());
    let status = if story.random.chance(0.02) { "FAILED" } else { "GOT_RESOURCE" };
    if story.random.chance(0.1) {
        first.tell(story, at - TimeDelta::seconds(1), Content::OrderStatus { status: "GETTING_RESOURCE" });
    }
    first.tell(story, at, Content::OrderStatus { status });
    if status == "FAILED" {
        return;
    }
    let reused = first.tell_life(story, at);
    for _ in 1..count {
        esim(story, form, &order_no, transaction.clone()).tell_life(story, at);
    }
    if let Some(cancelled_at) = reused {
        tell_reuse(story, &first, cancelled_at);
    }
}

/// Types and words that no document has, and the test of a URL.
fn tell_oddities(story: &mut Story, form: Form) {
    let order_no = format!("B{}", story.ids.digits(14));
    let mut esim = esim(story, form, &order_no, None);
    let at = story.born;
    match story.random.below(3) {
        0 => {
            // In the form of 2025 it would be the same, byte for byte, in every life.
            esim.form = Form::Year2026;
            esim.tell(story, at, Content::Health);
        }
        1 => esim.tell(story, at, Content::Other { notify_type: "NETWORK_EVENT" }),
        _ => {
            esim.tell(story, at, Content::OrderStatus { status: "ON_HOLD" });
            let later = at + story.minutes(5, 500);
            esim.tell(story, later, Content::OrderStatus { status: "GOT_RESOURCE" });
        }
    }
}

/// "Returned to inventory": the ICCID of what was cancelled comes again in another order.
fn tell_reuse(story: &mut Story, first: &Esim, cancelled_at: Time) {
    let order_no = format!("B{}", story.ids.digits(14));
    let mut second = esim(story, first.form, &order_no, None);
    second.names.iccid.clone_from(&first.names.iccid);
    let at = cancelled_at + story.hours(1, 100);
    second.tell(story, at, Content::OrderStatus { status: "GOT_RESOURCE" });
    second.tell_life(story, at);
}

fn esim(story: &mut Story, form: Form, order_no: &str, transaction: Option<String>) -> Esim {
    let iccid = story.iccid();
    Esim {
        names: Names {
            order_no: order_no.to_owned(),
            iccid,
            tran_no: story.ids.digits(14),
            transaction,
            eid: format!("8904{}", story.ids.digits(28)),
        },
        form,
        with_offset: story.random.chance(0.5),
        sequence: story.random.chance(0.7).then_some(0),
        plan: "GOT_RESOURCE",
        profile: "RELEASED",
        usage: Usage { total_bytes: story.random.pick(&TOTALS), used_bytes: 0 },
    }
}

impl Esim {
    fn tell(&mut self, story: &mut Story, at: Time, content: Content) {
        let notice = Notice {
            form: self.form,
            with_offset: self.with_offset,
            notify_id: story.ids.hex(32),
            sent_at: story.clock(at),
            names: self.names.clone(),
            content,
        };
        story.tell(at, notice.body(), notice.meaning(), notice.inbox());
    }

    /// From the allocation on. Answers when it was cancelled, if its ICCID is used again.
    fn tell_life(&mut self, story: &mut Story, allocated: Time) -> Option<Time> {
        let at = allocated + story.minutes(10, 60 * 72);
        match story.random.below(100) {
            0..6 => {
                self.plan = "CANCEL";
                self.tell_status(story, at);
                return story.random.chance(0.5).then_some(at);
            }
            6..12 => {
                self.plan = "UNUSED_EXPIRED";
                self.tell_status(story, allocated + TimeDelta::days(30));
            }
            12..18 => {}
            _ => {
                let enabled = self.tell_installation(story, at);
                self.tell_use(story, enabled);
            }
        }
        None
    }

    fn tell_installation(&mut self, story: &mut Story, from: Time) -> Time {
        let mut at = from;
        if story.random.chance(0.05) {
            self.tell_step(story, at, "DOWNLOAD", Some("Failed"));
            at += story.minutes(1, 30);
        }
        let mut enabled = at;
        for profile in ["DOWNLOAD", "INSTALLATION", "ENABLED"] {
            enabled = at;
            if self.form == Form::Year2026 && story.random.chance(0.3) {
                self.tell_step(story, at, profile, None);
            }
            self.tell_step(story, at, profile, Some("Executed-Success"));
            at += story.seconds(5, 90);
        }
        // Sometimes within the second.
        if story.random.chance(0.2) { enabled } else { at + story.minutes(1, 120) }
    }

    /// The plan that rides along may be what it was long ago.
    fn tell_step(&mut self, story: &mut Story, at: Time, profile: &'static str, outcome: Option<&'static str>) {
        self.sequence = self.sequence.map(|sequence| sequence + 1);
        let plan = if story.random.chance(0.3) { "GOT_RESOURCE" } else { self.plan };
        if outcome != Some("Failed") || self.form == Form::Year2025 {
            self.profile = profile;
        }
        let outcome = outcome.filter(|_| self.form == Form::Year2026);
        self.tell(story, at, Content::Smdp { plan, profile, sequence: self.sequence, outcome });
    }

    fn tell_status(&mut self, story: &mut Story, at: Time) {
        let usage = (self.usage.used_bytes > 0 && story.random.chance(0.4)).then_some(self.usage);
        let order = story.random.chance(0.1).then_some("GOT_RESOURCE");
        self.tell(story, at, Content::EsimStatus { plan: self.plan, profile: self.profile, usage, order });
    }

    /// From the first connection on, top-up after top-up, to the end.
    fn tell_use(&mut self, story: &mut Story, activated: Time) {
        self.plan = "IN_USE";
        self.tell_status(story, activated);
        let mut days = story.random.pick(&DAYS);
        let mut ends = clear(activated + TimeDelta::days(days.into()), story.base);
        let mut at = activated;
        for _ in 0..3 {
            let is_suspended = self.tell_interlude(story, at, ends);
            let emptied = if is_suspended { None } else { self.tell_consumption(story, at, ends) };
            let topped_up = emptied.filter(|_| story.random.chance(0.5)).map(|emptied| emptied + story.hours(1, 20));
            let until = topped_up.filter(|topped_up| *topped_up < ends).unwrap_or(ends);
            self.tell_validity(story, days, ends, until);
            let Some(again) = topped_up.filter(|topped_up| *topped_up < ends) else { break };
            let added = story.random.pick(&TOTALS);
            days = story.random.pick(&DAYS);
            self.usage.total_bytes += added;
            self.plan = "IN_USE";
            self.tell_status(story, again);
            ends = clear(ends + TimeDelta::days(days.into()), story.base);
            at = again;
        }
        self.tell_end(story, ends);
    }

    /// What happens now and then: the profile off and on again, the plan suspended. Whether it stays so.
    fn tell_interlude(&mut self, story: &mut Story, from: Time, ends: Time) -> bool {
        let at = from + story.hours(1, 40);
        if at >= ends {
            return false;
        }
        if story.random.chance(0.3) {
            self.tell_step(story, at, "DISABLED", Some("Executed-Success"));
            let later = at + story.minutes(1, 600);
            self.tell_step(story, later, "ENABLED", Some("Executed-Success"));
        }
        if !story.random.chance(0.1) {
            return false;
        }
        self.plan = "SUSPENDED";
        self.tell_status(story, at + TimeDelta::seconds(7));
        if story.random.chance(0.5) {
            return true;
        }
        self.plan = "IN_USE";
        let later = at + story.hours(1, 10);
        self.tell_status(story, later);
        false
    }

    /// The three thresholds as they are reached, and the end of the data; `None` if it lasts to the end of the plan.
    fn tell_consumption(&mut self, story: &mut Story, from: Time, ends: Time) -> Option<Time> {
        let (start, total) = (self.usage.used_bytes, self.usage.total_bytes);
        let lasts = (ends - from) * i32::try_from(story.random.between(15..=160)).unwrap_or(100) / 100;
        let when = |used: u64| {
            let share = (used - start) * 1_000 / (total - start).max(1);
            // eSIM Access writes whole seconds.
            (from + lasts / 1_000 * i32::try_from(share).unwrap_or(1_000)).trunc_subsecs(0)
        };
        for (remaining, written) in THRESHOLDS {
            let used = total / 100 * (100 - remaining) + story.random.below(total / 50);
            if used <= start || when(used) >= ends {
                continue;
            }
            let measured_at = when(used);
            self.usage.used_bytes = used;
            let sent_at = measured_at + story.minutes(60, 180);
            // "And others" were observed.
            let remaining = if remaining == 20 && story.random.chance(0.1) { "0.25" } else { written };
            let content = Content::DataUsage {
                usage: self.usage,
                measured_at: story.clock(measured_at),
                remaining,
                as_text: story.random.chance(0.1),
            };
            self.tell(story, sent_at, content);
        }
        let emptied = when(total);
        (emptied < ends).then(|| {
            self.usage.used_bytes = total;
            self.plan = "USED_UP";
            self.tell_status(story, emptied);
            emptied
        })
    }

    /// Of the end that is in force until a top-up.
    fn tell_validity(&mut self, story: &mut Story, days: u32, ends: Time, until: Time) {
        let notice = story.random.pick(&NOTICES);
        // "Exact is `expiredTime`, `remain` is approximate."
        let off = if story.random.chance(0.3) { story.random.between(-1..=1) } else { 0 };
        let remaining_days = notice.saturating_add_signed(i32::try_from(off).unwrap_or_default());
        let at = ends - TimeDelta::days(notice.into());
        if at < until {
            self.tell(story, at, Content::Validity { days, ends_at: ends, remaining_days });
        }
    }

    fn tell_end(&mut self, story: &mut Story, ends: Time) {
        match story.random.below(20) {
            0 => {
                self.plan = "REVOKED";
                self.tell_status(story, ends - TimeDelta::hours(1));
            }
            // Nothing is said: our clock has to notice.
            1..7 => {}
            _ => {
                self.plan = "USED_EXPIRED";
                let at = ends + story.seconds(0, 600);
                self.tell_status(story, at);
            }
        }
        if story.random.chance(0.3) {
            let at = ends + story.hours(1, 50);
            self.tell_step(story, at, "DELETED", Some("Executed-Success"));
        }
    }
}

/// The end, moved away from where our clock would turn while a run takes its time.
fn clear(ends: Time, base: Time) -> Time {
    let is_near = |turn: &TimeDelta| (ends - base - *turn).abs() < TURN;
    if TURNS.iter().any(is_near) { ends + TURN * 2 } else { ends }
}
