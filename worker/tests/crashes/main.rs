//! The worker dies at any step of consuming, applying and relaying, again and again, and goes on: the tables end up right,
//! and no promise is lost. On the SQLite store and the spool, with everything real but the death of a whole process.

#![expect(clippy::unwrap_used, reason = "these functions are a test's, and fail it")]

mod fuse;
mod lives;
mod parts;
mod process;
mod shop;

use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use rand::rngs::StdRng;
use rand::{RngExt as _, SeedableRng as _};

use fuse::Fuse;
use lives::Arrivals;
use process::Bench;
use shop::Shop;

/// Schedules that are drawn; `CRASH_SCHEDULES` says otherwise.
const SCHEDULES: u64 = 2_000;
/// The first of their seeds; `CRASH_SEED` says otherwise. Each schedule has a seed of its own, one after the other.
const SEED: u64 = 1;
/// A process that dies within so many steps has done about everything once.
const STEPS: i64 = 40;

fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}

/// Each thread has a runtime of its own, with a shop in it, and takes the next number until there is none left.
fn on_all_cores(numbers: u64, run: impl Fn(&Bench, u64) -> BoxedRun + Sync) {
    let next = AtomicU64::new(0);
    let cores = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let bench = Bench::new(Shop::open().await).await;
                    loop {
                        let number = next.fetch_add(1, Ordering::Relaxed);
                        if number >= numbers {
                            return;
                        }
                        run(&bench, number).await;
                    }
                });
            });
        }
    });
}

type BoxedRun = std::pin::Pin<Box<dyn Future<Output = ()>>>;

#[test]
fn a_death_at_each_single_step_loses_nothing() {
    // How many steps there are differs a little from run to run; some more don't hurt.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let steps = runtime.block_on(async {
        let bench = Bench::new(Shop::open().await).await;
        let fuse = Fuse::none();
        bench.run("no death", Arrivals::all(), vec![fuse.clone()]).await;
        u64::try_from(fuse.taken()).unwrap()
    });
    assert!(steps > 30, "only {steps} steps: the fuses are not where they should be");
    on_all_cores(steps, |bench, number| {
        let bench = bench.clone();
        Box::pin(async move {
            let step = i64::try_from(number).unwrap() + 1;
            bench.run(&format!("death at step {step}"), Arrivals::all(), vec![Fuse::of(step)]).await;
        })
    });
}

#[test]
fn deaths_at_random_steps_of_random_lives_lose_nothing() {
    let first = setting("CRASH_SEED", SEED);
    on_all_cores(setting("CRASH_SCHEDULES", SCHEDULES), |bench, number| {
        let bench = bench.clone();
        Box::pin(async move {
            let seed = first + number;
            let mut random = StdRng::seed_from_u64(seed);
            let deaths = random.random_range(1..=4);
            let fuses = (0..deaths).map(|_| Fuse::of(random.random_range(1..=STEPS))).collect();
            let again = format!("CRASH_SEED={seed} CRASH_SCHEDULES=1 repeats it");
            bench.run(&again, Arrivals::of(seed), fuses).await;
        })
    });
}
