import Debugger
import Emulator
import GuestImages
import HostFiles
import Runs

/// Packets with names: `q...`, `Q...` and `v...`.
extension GDBStub {
  private typealias Action = (GDBStub, PacketScanner) -> Reply

  /// By the name up to the first of `:`, `;` and `,`, which stays in front of the rest.
  nonisolated(unsafe) private static let actions: [String: Action] = [
    "qSupported": { $0.agree($1) },
    "QStartNoAckMode": { stub, _ in
      stub.wish(.stopAcknowledging)
      return .ok
    },
    "qXfer": { $0.transfer($1) },
    "qRcmd": { $0.monitor($1) },
    "qAttached": { _, _ in .text("1") },
    "qC": { _, _ in .text("QC1") },
    "qfThreadInfo": { _, _ in .text("m1") },
    "qsThreadInfo": { _, _ in .text("l") },
    "qThreadExtraInfo": { $0.describeThread($1) },
    "qOffsets": { _, _ in .text("Text=0;Data=0;Bss=0") },
    "qSymbol": { _, _ in .ok },
    "QPassSignals": { _, _ in .ok },
    "QProgramSignals": { _, _ in .ok },
    "QThreadEvents": { _, _ in .ok },
    "qqemu.PhyMemMode": { stub, _ in .text(stub.isPhysical ? "1" : "0") },
    "Qqemu.PhyMemMode": { $0.choosePhysical($1) },
    "qqemu.sstepbits": { _, _ in .text(SteppingBits.names) },
    "qqemu.sstep": { stub, _ in .text("0x\(String(stub.stepping.bits, radix: 16))") },
    "vCont?": { _, _ in .text("vCont;c;C;s;S;t;r") },
    "vCont": { stub, scanner in Resumption.vCont(scanner).map { stub.resume($0) } ?? .malformed },
    "vKill": { stub, _ in
      // It is also how `run` begins, which goes on with `vRun`.
      if !stub.isExtended { stub.wish(.kill) }
      return .ok
    },
    "vRun": { stub, _ in stub.restart() },
    "vAttach": { stub, _ in .bytes(StopReply.plain(stub.session).payload) },
  ]

  /// The answer to a packet with a name; the empty one for a name that is not known.
  func answerNamed(_ packet: [UInt8]) -> Reply {
    let separators = [UInt8(ascii: ":"), UInt8(ascii: ";"), UInt8(ascii: ",")]
    let name = packet.prefix { !separators.contains($0) }
    let text = String(decoding: name, as: UTF8.self)
    let rest = PacketScanner(packet.dropFirst(name.count))
    if text.hasPrefix("Qqemu.sstep=") { return chooseStepping(text.dropFirst("Qqemu.sstep=".count)) }
    return Self.actions[text].map { $0(self, rest) } ?? .unsupported
  }

  // MARK: What both sides can do

  private func agree(_ scanner: PacketScanner) -> Reply {
    var scanner = scanner
    _ = scanner.take(":")
    while !scanner.isAtEnd {
      switch String(decoding: scanner.field(until: ";"), as: UTF8.self) {
      case "swbreak+": client.hasSoftwareBreakpoints = true
      case "hwbreak+": client.hasHardwareBreakpoints = true
      default: break
      }
    }
    let features = [
      "PacketSize=\(String(PacketReader.maxPayload, radix: 16))", "QStartNoAckMode+", "qXfer:features:read+",
      "qXfer:memory-map:read+", "vContSupported+", "swbreak+", "hwbreak+", "ReverseStep+",
      "ReverseContinue+", "QPassSignals+", "QProgramSignals+", "QThreadEvents+", "binary-upload+",
    ]
    return .text((features + (imagePath == nil ? [] : ["qXfer:exec-file:read+"])).joined(separator: ";"))
  }

  /// Where the image lies, for clients that have not been told of a program.
  private var imagePath: String? {
    guard let file = session.image?.file, HostPaths.isFile(file) else { return nil }
    return HostPaths.absolute(file)
  }

  // MARK: Documents

  private func transfer(_ scanner: PacketScanner) -> Reply {
    var scanner = scanner
    if scanner.take(":features:read:target.xml:") {
      return Transfer.read(TargetDescription.text.utf8, scanner)
    }
    if scanner.take(":features:read:") { return .error(0) }
    if scanner.take(":memory-map:read::") { return Transfer.read(Transfer.memoryMap.utf8, scanner) }
    if scanner.take(":exec-file:read:") {
      // A process may be named: there is one alone.
      _ = scanner.field(until: ":")
      guard let imagePath else { return .error(2) }
      return Transfer.read(HostName.bytes(imagePath), scanner)
    }
    return .unsupported
  }

  private func describeThread(_ scanner: PacketScanner) -> Reply {
    var scanner = scanner
    guard scanner.take(","), let isOurs = ThreadID.isOurs(&scanner) else { return .malformed }
    guard isOurs else { return .error(1) }
    let state = session.machine.registers.isHalted ? "halted" : "running"
    return .bytes(HexText.encoded("CPU 0 [\(state)]".utf8))
  }

  // MARK: The person's commands

  private func monitor(_ scanner: PacketScanner) -> Reply {
    guard scanner.remaining.first == UInt8(ascii: ","),
      let line = HexText.decoded(scanner.remaining.dropFirst())
    else { return .malformed }
    say(MonitorCommand(session: session, shell: shell).perform(String(decoding: line, as: UTF8.self)))
    console.forgetInterruptions()
    if session.wantsToQuit { wish(.kill) }
    return .ok
  }

  // MARK: QEMU's own

  private func choosePhysical(_ scanner: PacketScanner) -> Reply {
    var scanner = scanner
    guard scanner.take(":"), let mode = scanner.hexadecimal(UInt8.self), mode <= 1 else { return .malformed }
    isPhysical = mode == 1
    return .ok
  }

  private func chooseStepping(_ text: Substring) -> Reply {
    let digits = text.hasPrefix("0x") ? text.dropFirst(2) : text
    guard let bits = UInt32(digits, radix: 16), bits & 1 != 0, bits <= 7 else { return .malformed }
    stepping.bits = bits
    return .ok
  }
}
