//! The database goes away: events stay in the queue until they can be applied, and nobody outside notices.

use chrono::Utc;
use harness::eventually::holds;
use harness::programs::Program;
use harness::{Setup, eventually, tables};
use samples::{Source, named, renewed};
use sqlx::PgPool;

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
    let mut late = Program::worker(system.setup().worker_settings(&system)).await;
    system.postgres.container.start_again().await;
    late.ready().await;
    system.workers.push(late);
    system.settled().await;
    assert_eq!(tables::event_count(&system.pool).await, 50);
    assert_eq!(system.actions().await.len(), 50);
    assert_eq!(system.merchant().times_by_id().await.len(), 50);
    system.finish().await;
}

/// Ends who waits for the lock on the list of migrations, as a database does that stops.
async fn end_migration(pool: &PgPool) {
    let waiting = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
         AND query LIKE '%_sqlx_migrations%'";
    let backend: i32 = eventually("the late worker waits for the list of migrations", async || {
        let found = sqlx::query_scalar(waiting).fetch_optional(pool).await.map_err(|error| error.to_string())?;
        found.ok_or_else(|| "nobody waits".to_owned())
    })
    .await;
    sqlx::query("SELECT pg_terminate_backend($1)").bind(backend).execute(pool).await.unwrap();
}

#[tokio::test]
async fn a_worker_that_starts_while_the_database_stops_waits_for_it() {
    let mut system = Setup::default().start().await;
    let mut held = system.pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE _sqlx_migrations").execute(&mut *held).await.unwrap();
    let mut late = Program::worker(system.setup().worker_settings(&system)).await;
    end_migration(&system.pool).await;
    held.rollback().await.unwrap();
    late.ready().await;
    system.workers.push(late);
    system.finish().await;
}
