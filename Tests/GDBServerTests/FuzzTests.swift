import Foundation
import TestSupport
import Testing

@testable import GDBServer

@Suite("Packets that nobody meant")
struct FuzzTests {
  private static let seeds = [
    "qSupported:swbreak+", "?", "g", "G00", "p8", "P8=20001000", "P0=00000000", "m100000,20", "mffffffff,10",
    "x100000,10", "M102000,4:00000000", "X102000,1:a", "vCont;c:1", "vCont;s:1", "vCont;r100020,100030:1",
    "vCont;t", "c", "s", "c100020", "C05", "S05;100020", "bs", "bc", "Z0,100025,1", "z0,100025,1",
    "Z1,100030,1",
    "Z2,102000,4", "z2,102000,4", "Z3,102000,4", "Z4,102000,4", "Hg1", "T1", "R00", "qfThreadInfo",
    "qXfer:features:read:target.xml:0,fff", "qXfer:memory-map:read::0,fff", "qXfer:exec-file:read:1:0,fff",
    "Qqemu.PhyMemMode:1", "Qqemu.PhyMemMode:0", "Qqemu.sstep=1", "qThreadExtraInfo,1", "vRun;", "vAttach;1",
  ]
  private static let monitor = [
    "info registers", "info mem", "info tlb", "xp /4xw 0", "gva2gpa 0", "si", "rc", "info stops", "delete",
    "goto 100", "walk 0x100000", "catch fault", "u", "x/4xw 0xfffffff0", "help", "info history",
  ]

  @Test("Whatever comes, each whole packet is answered, and the next one is", arguments: [1, 2] as [UInt64])
  func stream(_ seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let client = try Guests.code(Guests.short)
    let count = ProcessInfo.processInfo.environment["PAGEWALK_SLOW"] == nil ? 200 : 50_000
    for index in 0..<count {
      var packet = Array(Self.seeds[Int(random.below(UInt32(Self.seeds.count)))].utf8)
      if random.oneIn(8) {
        let line = Self.monitor[Int(random.below(UInt32(Self.monitor.count)))]
        packet = Array("qRcmd,".utf8) + HexText.encoded(Array(line.utf8))
      }
      while random.oneIn(2), !packet.isEmpty {
        let place = Int(random.below(UInt32(packet.count)))
        switch random.below(3) {
        case 0: packet[place] = random.flag() ? random.byte() : UInt8(ascii: "0") + random.byte() % 10
        case 1: packet.remove(at: place)
        default: packet.insert(random.byte(), at: place)
        }
      }
      // These end the server.
      let text = String(decoding: packet, as: UTF8.self)
      if text.hasPrefix("k") || text.hasPrefix("D") || text.hasPrefix("vKill") { continue }
      var wire = Packet.framed(packet)
      if random.oneIn(16) { wire[Int(random.below(UInt32(wire.count)))] = random.byte() }
      // Ctrl-C behind each: guests that run for ever are made here too.
      client.send(wire + [3] + Array("#00".utf8))
      client.server.round(waiting: 0)
      _ = client.receive()
      client.printed = ""
      guard client.ask("qC").hasSuffix("QC1") else {
        Issue.record("seed \(seed), packet \(index): '\(text)' is the last that was answered")
        return
      }
    }
  }
}
