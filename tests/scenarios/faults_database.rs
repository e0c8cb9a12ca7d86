//! The database goes away: events stay in the queue until they can be applied, and nobody outside notices.

use chrono::Utc;
use harness::eventually::holds;
use harness::programs::{Program, ready};
use harness::{Setup, eventually, tables};
use samples::{Source, named, renewed};

fn order(number: usize) -> Vec<u8> {
    renewed(named("yoni/completed").unwrap(), &number.to_string(), Utc::now())
}

#[tokio::test]
async fn events_that_come_while_the_database_is_stopped_are_applied_after() {
    let mut system = Setup::default().own_database().merchant().start().await;
    system.counts_no_more();
    for number in 0..20 {
        system.accept(Source::Yoni, order(number)).await;
    }
    system.postgres.container.stop().await;
    for number in 20..50 {
        system.accept(Source::Yoni, order(number)).await;
    }
    let readyz = format!("http://{}/readyz", system.workers[0].address);
    eventually("the worker says that the database is away", async || {
        let answer = system.client.get(&readyz).send().await.map_err(|error| error.to_string())?;
        let (status, body) = (answer.status().as_u16(), answer.text().await.unwrap_or_default());
        holds(status == 503 && body.contains("database"), || format!("{status} {body}"))
    })
    .await;
    let healthz = system.client.get(readyz.replace("readyz", "healthz")).send().await.unwrap();
    assert_eq!(healthz.status().as_u16(), 200, "away is not dead: nobody should restart it");
    // One that starts now waits; it does not give up.
    let late = Program::worker(system.setup().worker_settings(&system)).await;
    system.postgres.container.start_again().await;
    ready(late.address).await;
    system.workers.push(late);
    system.settled().await;
    assert_eq!(tables::event_count(&system.pool).await, 50);
    assert_eq!(system.actions().await.len(), 50);
    assert_eq!(system.merchant().times_by_id().await.len(), 50);
    system.finish().await;
}
