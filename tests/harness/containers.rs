//! RabbitMQ and PostgreSQL in containers: one of each for all tests, and more for those that stop or pause them.
//!
//! Statics are never dropped, so the shared ones hang on a `Weak` handle: the last test that holds them removes them.

use std::future::Future;
use std::net::{Ipv4Addr, TcpListener};
use std::sync::{Arc, OnceLock, Weak};
use std::thread;
use std::time::Duration;

use testcontainers::core::{IntoContainerPort as _, WaitFor};
use testcontainers::runners::AsyncRunner as _;
use testcontainers::{ContainerAsync, ContainerRequest, GenericImage, ImageExt as _};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Mutex;

const START_TIMEOUT: Duration = Duration::from_secs(120);
/// Statistics at once instead of every 5 s, and schedulers that leave the processor to others while they wait.
const ERLANG_ARGUMENTS: &str = "-rabbit collect_statistics_interval 250 -rabbit quorum_tick_interval 250 \
     +sbwt none +sbwtdcpu none +sbwtdio none";
/// Below the range that the system takes ports from by itself.
const PORTS: std::ops::Range<u16> = 20_000..32_000;

/// A container that keeps its address when it is stopped and started.
#[derive(Debug)]
pub struct Container {
    container: Option<Arc<ContainerAsync<GenericImage>>>,
}

#[derive(Debug)]
pub struct RabbitMq {
    pub container: Container,
    pub amqp_port: u16,
    pub management_port: u16,
}

#[derive(Debug)]
pub struct Postgres {
    pub container: Container,
    pub port: u16,
}

/// What all tests share.
#[derive(Debug)]
pub struct Shared {
    pub rabbitmq: Arc<RabbitMq>,
    pub postgres: Arc<Postgres>,
    /// Databases with empty tables, left by tests: to make them anew takes longer than most tests.
    pub(crate) left: std::sync::Mutex<Vec<String>>,
}

static SHARED: Mutex<Weak<Shared>> = Mutex::const_new(Weak::new());

/// The shared containers, started if nobody holds them.
pub async fn shared() -> Arc<Shared> {
    let mut slot = SHARED.lock().await;
    if let Some(shared) = slot.upgrade() {
        return shared;
    }
    // One after the other: where the first one fails, the second is not left half started.
    let (postgres, rabbitmq) = (Postgres::start().await, RabbitMq::start().await);
    let (rabbitmq, postgres) = (Arc::new(rabbitmq), Arc::new(postgres));
    let shared = Arc::new(Shared { rabbitmq, postgres, left: std::sync::Mutex::default() });
    *slot = Arc::downgrade(&shared);
    shared
}

/// The shared containers, if somebody holds them. A test that needs none holds them all the same, so that they last from
/// one test that does to the next.
pub async fn held() -> Option<Arc<Shared>> {
    SHARED.lock().await.upgrade()
}

impl RabbitMq {
    pub async fn start() -> Self {
        let (amqp_port, management_port) = (free_port(), free_port());
        let image = GenericImage::new("rabbitmq", "4-management")
            .with_wait_for(WaitFor::message_on_stdout("Server startup complete"))
            .with_mapped_port(amqp_port, 5672.tcp())
            .with_mapped_port(management_port, 15672.tcp())
            .with_env_var("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", ERLANG_ARGUMENTS);
        Self { container: Container::start(image).await, amqp_port, management_port }
    }
}

impl Postgres {
    pub async fn start() -> Self {
        let port = free_port();
        let image = GenericImage::new("postgres", "17")
            .with_wait_for(WaitFor::message_on_stderr("database system is ready to accept connections"))
            .with_mapped_port(port, 5432.tcp())
            .with_env_var("POSTGRES_PASSWORD", "postgres")
            .with_cmd(["postgres", "-c", "fsync=off", "-c", "max_connections=400"]);
        Self { container: Container::start(image).await, port }
    }

    /// The URL of one of its databases.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres:postgres@127.0.0.1:{}/{database}", self.port)
    }
}

impl Container {
    pub(crate) async fn start(image: ContainerRequest<GenericImage>) -> Self {
        let container = on_docker(async move { image.with_startup_timeout(START_TIMEOUT).start().await }).await;
        let container = container.unwrap_or_else(|error| panic!("starting a container: {error}"));
        Self { container: Some(Arc::new(container)) }
    }

    /// Stops it as an operator would: politely, then by force.
    pub async fn stop(&self) {
        let container = self.handle();
        on_docker(async move { container.stop_with_timeout(Some(20)).await }).await.unwrap();
    }

    /// Starts it again. Its server may need a while more.
    pub async fn start_again(&self) {
        let container = self.handle();
        on_docker(async move { container.start().await }).await.unwrap();
    }

    /// Freezes it: connections stay, and nothing answers.
    pub async fn pause(&self) {
        let container = self.handle();
        on_docker(async move { container.pause().await }).await.unwrap();
    }

    pub async fn unpause(&self) {
        let container = self.handle();
        on_docker(async move { container.unpause().await }).await.unwrap();
    }

    fn handle(&self) -> Arc<ContainerAsync<GenericImage>> {
        Arc::clone(self.container.as_ref().unwrap())
    }
}

impl Drop for Container {
    /// Waits until it is gone: the process may end right after the last test.
    fn drop(&mut self) {
        let Some(container) = self.container.take() else { return };
        let removal = thread::spawn(move || docker().block_on(async move { drop(container) }));
        if removal.join().is_err() && !thread::panicking() {
            panic!("a container could not be removed; `docker ps` shows it");
        }
    }
}

/// Tests come and go, each with a runtime of its own; what talks to Docker outlives them on this one.
fn docker() -> &'static Runtime {
    static DOCKER: OnceLock<Runtime> = OnceLock::new();
    DOCKER.get_or_init(|| Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap())
}

async fn on_docker<T: Send + 'static>(work: impl Future<Output = T> + Send + 'static) -> T {
    docker().spawn(work).await.unwrap()
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    let free = |port: &u16| TcpListener::bind((Ipv4Addr::UNSPECIFIED, *port)).is_ok();
    std::iter::repeat_with(|| rand::random_range(PORTS)).find(free).unwrap()
}
