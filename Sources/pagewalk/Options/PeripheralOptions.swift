import ArgumentParser
import Emulator
import GuestImages
import Runs

/// What is plugged into the machine beyond what every one has.
struct PeripheralOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      """
      A raw image as the disk of the primary IDE channel. What the guest writes is forgotten at the end; with ':rw' it is written to \
      the file then.
      """, valueName: "file[:rw]"),
    completion: .file())
  var disk: String?

  @Flag(help: "A PS/2 keyboard: what is typed comes by it, and not over the serial port.")
  var keyboard = false

  @Option(
    help: ArgumentHelp(
      "When the CMOS clock's time begins. (default: 2000-01-01T00:00:00)", valueName: "time"),
    transform: ClockStart.init(parsing:))
  var rtc: ClockStart?

  /// The disk's path, without what is said about it.
  var diskPath: String? { disk.map { $0.hasSuffix(":rw") ? String($0.dropLast(3)) : $0 } }

  /// The disk's file, opened.
  ///
  /// - Throws: `GuestImageError` for a file that is no disk.
  func openDisk() throws(GuestImageError) -> DiskFile? {
    guard let disk else { return nil }
    return try DiskFile(disk)
  }

  /// What is plugged in, with this disk.
  func peripherals(_ disk: DiskFile?) -> Peripherals {
    var peripherals = Peripherals()
    peripherals.hasKeyboard = keyboard
    peripherals.disk = disk?.source
    if let rtc { peripherals.epoch = rtc.epoch }
    return peripherals
  }
}
