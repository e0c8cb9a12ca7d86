//! x
use harness::System;
use samples::{ALL, renewed};

#[tokio::test]
async fn smoke() {
    let system = System::start().await;
    for sample in ALL {
        system.accept(sample.source, renewed(sample, "1", chrono::Utc::now())).await;
    }
    system.settled().await;
    println!("{:#?}", system.actions().await);
    system.finish().await;
}
