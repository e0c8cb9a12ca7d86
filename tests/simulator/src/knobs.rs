//! The command's knobs: what is played, with what chaos, and how to play it again.

use chrono::{SubsecRound as _, Utc};
use clap::Args;

use crate::chaos::Chaos;
use crate::event::Time;
use crate::journal::Cast;
use crate::random::Random;

/// What is played.
#[derive(Debug, Args)]
#[command(next_help_heading = "Lives")]
pub struct CastArgs {
    /// All lives and all chaos follow from it; by default another one each time
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
    /// How many lives to play: most are an eSIM's (or some of one order), the others a physical SIM's or a payment's
    #[arg(long, value_name = "N", default_value = "500")]
    esims: u64,
    /// Play this life alone, as it is among the others
    #[arg(long, value_name = "N")]
    life: Option<u64>,
    /// The moment at which the lives have come as far as they are played (RFC 3339); by default now
    #[arg(long, value_name = "TIME")]
    base: Option<Time>,
    /// Goes into every id, so that lives that were played before are new ones; by default another one each time
    #[arg(long, value_name = "TEXT")]
    run: Option<String>,
    #[command(flatten)]
    chaos: ChaosArgs,
}

/// What goes wrong.
#[derive(Debug, Args)]
#[command(next_help_heading = "Chaos (shares are from 0 to 1)")]
struct ChaosArgs {
    /// All of the following so many times as often as by default; 0: nothing goes wrong
    #[arg(long, value_name = "FACTOR", default_value = "1", value_parser = factor)]
    chaos: f64,
    /// Share of messages that come again by themselves, one in ten of these a dozen times [default: 0.1]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    duplicates: Option<f64>,
    /// Share of messages that change places with others [default: 0.25]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    reorder: Option<f64>,
    /// By how many lives' time they change places at most
    #[arg(long, value_name = "LIVES", default_value = "10")]
    window: u32,
    /// Share of messages that come much later than they should [default: 0.03]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    delay: Option<f64>,
    /// Share of messages that the provider never sends [default: 0.02]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    loss: Option<f64>,
    /// Share of answers that the provider does not get, so that it sends again what we have [default: 0.04]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    lost_answers: Option<f64>,
    /// Share of attempts whose connection breaks before the answer [default: 0.02]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    hang_ups: Option<f64>,
    /// Share of lives in which the provider sends something that is no event [default: 0.06]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    malformed: Option<f64>,
    /// Share of lives in which a stranger sends something in the provider's name [default: 0.1]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    forged: Option<f64>,
    /// Every provider's clock is off by up to so many seconds [default: 120]
    #[arg(long, value_name = "SECONDS")]
    clock_drift: Option<u32>,
    /// Share of lives whose provider has a clock that is off by hours or days [default: 0.06]
    #[arg(long, value_name = "SHARE", value_parser = share)]
    broken_clocks: Option<f64>,
    /// How often the network is away [default: 2]
    #[arg(long, value_name = "N")]
    outages: Option<u32>,
    /// For how long it is away, in the providers' time, which --time-scale makes shorter
    #[arg(long, value_name = "SECONDS", default_value = "300")]
    outage_length: u64,
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "it must be a number from 0 to 1".to_owned())
}

fn factor(text: &str) -> Result<f64, String> {
    let factor = text.parse().ok().filter(|factor| (0.0..=100.0).contains(factor));
    factor.ok_or_else(|| "it must be a number from 0 to 100".to_owned())
}

impl CastArgs {
    pub fn cast(&self) -> Cast {
        let now = Utc::now();
        let moment = u64::try_from(now.timestamp_micros()).unwrap_or_default();
        let seed = self.seed.unwrap_or_else(|| Random::new(moment, 0, "a seed").below(1_000_000_000));
        Cast {
            seed,
            run: self.run.clone().unwrap_or_else(|| format!("{moment:x}")),
            base: self.base.unwrap_or(now).trunc_subsecs(0),
            esims: self.esims,
            life: self.life,
            chaos: self.chaos.chaos(),
        }
    }
}

impl ChaosArgs {
    fn chaos(&self) -> Chaos {
        let mut chaos = Chaos::SOME.times(self.chaos);
        let set = |knob: &mut f64, given: Option<f64>| *knob = given.unwrap_or(*knob);
        set(&mut chaos.duplicates, self.duplicates);
        set(&mut chaos.reorder, self.reorder);
        set(&mut chaos.delay, self.delay);
        set(&mut chaos.loss, self.loss);
        set(&mut chaos.lost_answers, self.lost_answers);
        set(&mut chaos.hang_ups, self.hang_ups);
        set(&mut chaos.malformed, self.malformed);
        set(&mut chaos.forged, self.forged);
        set(&mut chaos.clocks.broken, self.broken_clocks);
        chaos.clocks.drift_s = self.clock_drift.unwrap_or(chaos.clocks.drift_s);
        chaos.outages = self.outages.unwrap_or(chaos.outages);
        Chaos { window: self.window, outage_s: self.outage_length, ..chaos }
    }
}

/// The arguments by which these lives, or one of them, are played again under new names.
pub fn again(cast: &Cast, life: Option<u64>) -> String {
    let (chaos, usual) = (&cast.chaos, &Chaos::SOME);
    let base = cast.base.to_rfc3339_opts(chrono::SecondsFormat::Secs, true);
    let mut arguments = format!("--seed {} --base {base} --esims {}", cast.seed, cast.esims);
    let shares = [
        ("duplicates", chaos.duplicates, usual.duplicates),
        ("reorder", chaos.reorder, usual.reorder),
        ("delay", chaos.delay, usual.delay),
        ("loss", chaos.loss, usual.loss),
        ("lost-answers", chaos.lost_answers, usual.lost_answers),
        ("hang-ups", chaos.hang_ups, usual.hang_ups),
        ("malformed", chaos.malformed, usual.malformed),
        ("forged", chaos.forged, usual.forged),
        ("broken-clocks", chaos.clocks.broken, usual.clocks.broken),
    ];
    for (name, share, _) in shares.into_iter().filter(|(_, share, usual)| share.total_cmp(usual).is_ne()) {
        arguments.push_str(&format!(" --{name} {share}"));
    }
    let counts = [
        ("window", u64::from(chaos.window), u64::from(usual.window)),
        ("clock-drift", chaos.clocks.drift_s.into(), usual.clocks.drift_s.into()),
        ("outages", chaos.outages.into(), usual.outages.into()),
        ("outage-length", chaos.outage_s, usual.outage_s),
    ];
    for (name, count, _) in counts.into_iter().filter(|(_, count, usual)| count != usual) {
        arguments.push_str(&format!(" --{name} {count}"));
    }
    if let Some(life) = life.or(cast.life) {
        arguments.push_str(&format!(" --life {life}"));
    }
    arguments
}
