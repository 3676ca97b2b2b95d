package compat

import (
	"net"
	"strings"

	"github.com/dtm-labs/dtm/client/dtmgrpc"
	"github.com/dtm-labs/dtm/client/dtmgrpc/dtmgimp"
	"google.golang.org/grpc"
	"google.golang.org/protobuf/types/known/emptypb"
	"google.golang.org/protobuf/types/known/wrapperspb"
)

// Branches over gRPC: /compat.Branches/NAME takes a google.protobuf.StringValue and answers Empty.
func (r *recorder) serveGRPC(listener net.Listener) {
	r.grpcServer = grpc.NewServer(grpc.UnknownServiceHandler(func(_ interface{}, stream grpc.ServerStream) error {
		method, _ := grpc.MethodFromServerStream(stream)
		var text wrapperspb.StringValue
		if err := stream.RecvMsg(&text); err != nil {
			return err
		}
		trans := dtmgimp.TransBaseFromGrpc(stream.Context())
		err := r.handle(&call{
			gid:       trans.Gid,
			transType: trans.TransType,
			branchID:  trans.BranchID,
			op:        trans.Op,
			name:      strings.TrimPrefix(method, "/compat.Branches/"),
			payload:   text.Value,
			context:   stream.Context(),
			header:    func(name string) string { return dtmgimp.GetMetaFromContext(stream.Context(), name) },
		})
		if err != nil {
			return dtmgrpc.DtmError2GrpcError(err)
		}
		return stream.SendMsg(&emptypb.Empty{})
	}))
	registerWorkflowServer(r.grpcServer, r.grpc)
	go func() { _ = r.grpcServer.Serve(listener) }()
}
