// A Pion or LiveKit (Go) back end hands the video of one remote track to Facegauge, coded as it came.
//
// Not run here: neither a LiveKit server nor the modules are at hand in Facegauge's CI. It compiles (`go vet`, with
// Debian 12's Pion WebRTC 3.1, which differs by the v3 in its paths, and gRPC 1.33). What it does over gRPC is what
// examples/node does, and that one is run.
//
// First generate facegaugepb from the interface (protoc-gen-go and protoc-gen-go-grpc on PATH):
//
//	protoc -I ../../proto --go_out=. --go-grpc_out=. \
//	    --go_opt=Mfacegauge/v1/quality.proto=./facegaugepb --go-grpc_opt=Mfacegauge/v1/quality.proto=./facegaugepb \
//	    facegauge/v1/quality.proto
//	go mod init example.com/facegauge && go mod tidy
package facegauge

import (
	"context"
	"errors"
	"io"
	"log"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media/samplebuilder"

	pb "example.com/facegauge/facegaugepb"
)

const (
	clockRateHz    = 90_000
	maxLatePackets = 256 // a packet that is later than so many others is lost
	unitsInFlight  = 64  // two seconds of a call: beyond that the server or the network is too slow
)

// Score sends one VP8 track until ctx ends or the track does, and calls report for every assessment. For H.264 take
// codecs.H264Packet, which gives Annex B, and FRAME_ENCODING_H264.
func Score(ctx context.Context, client pb.QualityServiceClient, peer *webrtc.PeerConnection,
	track *webrtc.TrackRemote, streamID, callID string, report func(*pb.Assessment),
) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	stream, err := client.MonitorStream(ctx)
	if err != nil {
		return err
	}
	config := &pb.StreamConfig{
		StreamId: streamID, CallId: callID, Encoding: pb.FrameEncoding_FRAME_ENCODING_VP8, MaxFps: 2,
	}
	if err := stream.Send(&pb.MonitorStreamRequest{
		Message: &pb.MonitorStreamRequest_Config{Config: config},
	}); err != nil {
		return err
	}
	askForKeyframe := func() {
		pli := &rtcp.PictureLossIndication{MediaSSRC: uint32(track.SSRC())}
		if err := peer.WriteRTCP([]rtcp.Packet{pli}); err != nil {
			log.Printf("%s: no PLI sent: %v", streamID, err)
		}
	}
	units := make(chan *pb.Frame, unitsInFlight)
	go read(track, units)
	go send(stream, units)
	for {
		response, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err // status.Convert(err).Message() says who must do what
		}
		switch message := response.Message.(type) {
		case *pb.MonitorStreamResponse_Assessment:
			report(message.Assessment) // Quality is nil where there is none, never 0
		case *pb.MonitorStreamResponse_Notice:
			if message.Notice.Kind == pb.Notice_KIND_KEYFRAME_NEEDED {
				askForKeyframe() // the server sends this notice seldom: no limit is needed here
			}
		}
	}
}

// read puts access units together, and never waits for the network: what does not fit is dropped and told.
func read(track *webrtc.TrackRemote, units chan<- *pb.Frame) {
	defer close(units)
	builder := samplebuilder.New(maxLatePackets, &codecs.VP8Packet{}, clockRateHz)
	var sequence, last uint32
	var elapsed int64
	isFirst, hasGap := true, false
	for {
		packet, _, err := track.ReadRTP()
		if err != nil {
			return // the track is over
		}
		builder.Push(packet)
		for sample := builder.Pop(); sample != nil; sample = builder.Pop() {
			if !isFirst {
				elapsed += int64(int32(sample.PacketTimestamp - last)) // the timestamp wraps around
			}
			isFirst, last = false, sample.PacketTimestamp
			unit := &pb.Frame{
				Sequence:      sequence,
				CaptureTimeS:  float64(elapsed) / clockRateHz,
				Data:          sample.Data,
				Discontinuity: hasGap || sample.PrevDroppedPackets > 0,
			}
			select {
			case units <- unit:
				sequence++
				hasGap = false
			default:
				hasGap = true
			}
		}
	}
}

// send puts the units of a tenth of a second into one message, which is several times cheaper than one each.
func send(stream pb.QualityService_MonitorStreamClient, units <-chan *pb.Frame) {
	defer stream.CloseSend()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	var batch []*pb.Frame
	flush := func() bool {
		if len(batch) == 0 {
			return true
		}
		err := stream.Send(&pb.MonitorStreamRequest{
			Message: &pb.MonitorStreamRequest_Frames{Frames: &pb.FrameBatch{Frames: batch}},
		})
		batch = nil
		return err == nil // Recv has the error
	}
	for {
		select {
		case unit, isOpen := <-units:
			if !isOpen {
				flush()
				return
			}
			batch = append(batch, unit)
		case <-tick.C:
			if !flush() {
				return
			}
		}
	}
}
