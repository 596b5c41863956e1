import Testing

@testable import GDBServer

@Suite("Packets on the wire")
struct PacketTests {
  private func items(_ text: String) -> [PacketReader.Item] {
    var reader = PacketReader()
    return reader.receive(Array(text.utf8))
  }

  @Test("A packet is framed with its checksum, and special bytes are escaped")
  func framing() {
    #expect(Packet.framed(Array("OK".utf8)) == Array("$OK#9a".utf8))
    #expect(Packet.framed(Array("a#b".utf8)) == Array("$a}\u{03}b#43".utf8))
  }

  @Test("What is framed is read back, in whatever pieces it comes")
  func roundTrip() {
    let payload = (0...255).map { UInt8($0) }
    let wire = Packet.framed(payload)
    for size in [1, 2, 7, wire.count] {
      var reader = PacketReader()
      var items: [PacketReader.Item] = []
      for start in stride(from: 0, to: wire.count, by: size) {
        items += reader.receive(wire[start..<min(wire.count, start + size)])
      }
      #expect(items == [.packet(payload)])
    }
  }

  @Test("Acknowledgements and Ctrl-C stand between packets; other bytes are dropped")
  func between() {
    #expect(
      items("+-x\u{03}$g#67") == [.acknowledged, .wantsRepetition, .interrupt, .packet(Array("g".utf8))])
  }

  @Test("Damaged packets are told of", arguments: ["$g#68", "$g#zz", "$g#6", "$OK#00"])
  func damaged(_ text: String) {
    #expect(items(text) == (text.count == 4 ? [] : [.damaged]))
  }

  @Test("A packet that begins in another's middle takes its place")
  func restarted() { #expect(items("$m12$g#67") == [.packet(Array("g".utf8))]) }

  @Test("A packet that is too long is damaged, and the next one is read")
  func tooLong() {
    var reader = PacketReader()
    let long = [UInt8](repeating: UInt8(ascii: "a"), count: PacketReader.maxPayload + 1)
    #expect(reader.receive(Packet.framed(long)) == [.damaged])
    #expect(reader.receive(Packet.framed([0x67])) == [.packet([0x67])])
  }
}
