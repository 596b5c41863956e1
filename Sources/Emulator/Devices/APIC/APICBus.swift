/// What connects the local APICs of a machine with each other and with the I/O APIC. SDM vol. 3A, 10.1, 10.6.
final class APICBus {
  private struct Member {
    unowned let apic: LocalAPIC
  }

  private var members: [Member] = []
  /// Told of the end of an interrupt that a level raised.
  var onEndOfInterrupt: (UInt8) -> Void = { _ in }

  func add(_ apic: LocalAPIC) { members.append(Member(apic: apic)) }

  func endOfInterrupt(_ vector: UInt8) { onEndOfInterrupt(vector) }

  /// How a message is taken. SDM vol. 3A, 10.6.1.
  enum DeliveryMode: UInt32 {
    case fixed = 0
    case lowestPriority = 1
    case systemManagement = 2
    case nonMaskable = 4
    case initialize = 5
    case startUp = 6
    case external = 7
  }

  /// Carries out a write of the interrupt command register. SDM vol. 3A, figure 10-12.
  func send(command: UInt32, to destination: UInt8, from sender: LocalAPIC) {
    let vector = UInt8(command & 0xff)
    guard let mode = DeliveryMode(rawValue: command >> 8 & 7), mode != .external else { return }
    if mode == .fixed || mode == .lowestPriority, vector < 16 { return sender.refuseToSend() }
    // INIT with level "deassert" sets arbitration IDs, which nothing depends on.
    let isDeassert = mode == .initialize && command & 1 << 14 == 0
    guard !isDeassert else { return }
    let targets: [LocalAPIC]
    switch command >> 18 & 3 {
    case 1: targets = [sender]
    case 2: targets = members.map(\.apic)
    case 3: targets = members.map(\.apic).filter { $0 !== sender }
    default: targets = destinations(destination, isLogical: command & 1 << 11 != 0)
    }
    if targets.isEmpty { sender.noteUnaccepted() }
    deliver(mode, vector, isLevel: false, to: targets)
  }

  /// Carries a message of the I/O APIC.
  func send(
    _ mode: DeliveryMode, _ vector: UInt8, to destination: UInt8, isLogical: Bool, isLevel: Bool
  ) {
    deliver(mode, vector, isLevel: isLevel, to: destinations(destination, isLogical: isLogical))
  }

  private func destinations(_ destination: UInt8, isLogical: Bool) -> [LocalAPIC] {
    members.map(\.apic).filter { $0.isDestination(destination, isLogical: isLogical) }
  }

  private func deliver(_ mode: DeliveryMode, _ vector: UInt8, isLevel: Bool, to targets: [LocalAPIC]) {
    switch mode {
    case .fixed: for apic in targets { apic.request(vector, isLevel: isLevel) }
    case .lowestPriority:
      // Of equals the lowest number.
      targets.min { $0.processorPriority < $1.processorPriority }?.request(vector, isLevel: isLevel)
    case .nonMaskable: for apic in targets { apic.onNMI() }
    case .initialize: for apic in targets { apic.onInit() }
    // A processor that runs takes no start-up message, and there is no system-management mode.
    case .startUp, .systemManagement, .external: break
    }
  }
}
