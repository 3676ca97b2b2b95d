//! Success and rollback, over both protocols.

use dtm_workflow::{BranchError, Error, Workflow};
use serde_json::json;

use super::site::{BOTH, Site, transfer};
use crate::harness::{Reply, both};

#[tokio::test]
async fn a_workflow_is_committed_in_reverse_and_its_result_is_kept() {
    // behaviour 94 to 97, decisions 17, 18
    for over in BOTH {
        let (server, branches) = both().await;
        branches.on("/in", [Reply::of(200, r#"{"balance":30}"#)]);
        let workflows = Site::new(over).await.instance(&server).register("transfer", transfer(&branches));
        let workflows = workflows.build().unwrap();
        for _ in 0..2 {
            let result: String = workflows.execute("transfer", "order/1&x", &30_u32).await.unwrap();
            assert_eq!(result, r#"{"balance":30}"#, "{over:?}");
        }
        assert_eq!(branches.paths(), ["/out", "/in", "/inDone", "/outDone"]);
        for (call, (branch_id, op)) in branches.calls().iter().zip([
            ("01", "action"),
            ("02", "action"),
            ("02", "commit"),
            ("01", "commit"),
        ]) {
            let told = (call.gid(), call.branch_id(), call.op(), call.parameter("trans_type"));
            assert_eq!(told, ("order/1&x".into(), branch_id.into(), op.into(), "workflow".into()));
            assert_eq!(call.text(), r#"{"amount":30}"#);
        }
        let view = server.query("order/1&x").await;
        assert_eq!(view.status(), "succeed");
        assert_eq!(view.row_names(), ["01 action", "02 action", "02 commit", "01 commit"]);
        let custom: serde_json::Value = serde_json::from_str(view.field("custom_data")).unwrap();
        assert_eq!(custom, json!({"name": "transfer", "data": "MzA="}), "the input is JSON: 30");
    }
}

#[tokio::test]
async fn a_workflow_is_rolled_back_in_reverse_and_its_reason_is_kept() {
    // behaviour 96, 97
    for over in BOTH {
        let (server, branches) = both().await;
        branches.on("/in", [Reply::failure()]);
        let workflows = Site::new(over).await.instance(&server).register("transfer", transfer(&branches));
        let workflows = workflows.build().unwrap();
        for _ in 0..2 {
            let error = workflows.execute::<_, String>("transfer", "g", &30_u32).await.unwrap_err();
            assert!(matches!(&error, Error::RolledBack { reason, .. } if reason == "no stock"), "{error}");
        }
        assert_eq!(branches.paths(), ["/out", "/in", "/outBack"], "who said no is not called");
        let view = server.query("g").await;
        assert_eq!((view.status(), view.reason()), ("failed", "no stock"));
        assert_eq!(view.row_names(), ["01 action", "02 action", "01 rollback"]);
        assert_eq!(view.rows(), "s f s");
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_are_recorded_and_returned_as_they_are() {
    // decision 18, defect B16
    for over in BOTH {
        let (server, _) = both().await;
        let bytes: Vec<u8> = (0..=255).collect();
        let expected = bytes.clone();
        let function = move |wf: Workflow, input: Vec<u8>| {
            let bytes = bytes.clone();
            async move {
                let recorded = wf.branch().run_bytes(async move |_| Ok(bytes)).await?;
                Ok::<_, BranchError>([input, recorded].concat())
            }
        };
        let workflows =
            Site::new(over).await.instance(&server).register_bytes("f", function).build().unwrap();
        for _ in 0..2 {
            let result = workflows.execute_bytes("f", "g", vec![0xff]).await.unwrap();
            assert_eq!(result, [&[0xff], &*expected].concat(), "{over:?}");
        }
    }
}

#[tokio::test]
async fn a_gid_that_belongs_to_something_else_is_refused_and_nothing_is_run() {
    // decision 1
    for over in BOTH {
        let (server, branches) = both().await;
        server.accepts("prepare", &json!({"gid": "tcc", "trans_type": "tcc"})).await;
        let site = Site::new(over).await;
        let workflows = site
            .instance(&server)
            .register("transfer", transfer(&branches))
            .register("other", transfer(&branches))
            .build()
            .unwrap();
        workflows.execute::<_, String>("transfer", "g", &30_u32).await.unwrap();
        for (name, gid, amount) in [("transfer", "tcc", 30), ("transfer", "g", 31), ("other", "g", 30)] {
            let error = workflows.execute::<_, String>(name, gid, &amount).await.unwrap_err();
            let refused = matches!(error, Error::Server(dtm_client::Error::Refused { .. }));
            assert!(refused && !error.is_temporary(), "{over:?} {name} {gid}: {error:?}");
        }
        assert_eq!(branches.count("/out"), 1);
    }
}
