//! What applications with workflows serve: `workflow.Workflow`.

include!("../gen/workflow.rs");
