import Foundation

/// The guest to run and its command line.
struct Guest {
  var image: String
  var arguments: String
}

/// Something that runs the guest.
protocol Emulator {
  var name: String { get }
  /// The Debian packages to install when it isn't there; nil when it is.
  var missingPackages: String? { get }
  func run(_ guest: Guest, timeout: Duration) throws -> Outcome
}

extension Emulator {
  /// Reads the guest's console to its last line. The guest ends the emulator through the exit device then; one without
  /// that device is ended here.
  fileprivate func measure(
    _ child: consuming Child, timeout: Duration, hasExitDevice: Bool = true
  ) throws(BenchError) -> Outcome {
    var reader = ConsoleReader(emulator: name)
    do {
      try child.readLines(timeout: timeout) { line, now throws(BenchError) in
        try reader.take(line, at: now)
        return !reader.isComplete
      }
    } catch {
      _ = child.end()
      throw error
    }
    let ending = reader.isComplete && !hasExitDevice ? child.end() : child.wait()
    guard reader.isComplete else { throw .endedEarly(name, status: ending.status) }
    guard !reader.measurements.isEmpty else { throw .nothingMeasured(name) }
    // The child of an emulator without exit device is its terminal, whose memory says nothing.
    return Outcome(
      emulator: name, measurements: reader.measurements, peakKiB: hasExitDevice ? ending.peakKiB : nil)
  }
}

/// Ours, at one timing level.
struct Pagewalk: Emulator {
  var path: String
  var timing: String
  var name: String { timing }
  var missingPackages: String? { nil }

  func run(_ guest: Guest, timeout: Duration) throws -> Outcome {
    let child = try Child(
      name,
      [
        path, "run", "--timing", timing, "--memory", "512M", "--cpu", "pentium4", "--append", guest.arguments,
        guest.image,
      ])
    return try measure(child, timeout: timeout)
  }
}

/// QEMU's translator. Its exit device ends it with status 2 * value + 1.
struct QEMU: Emulator {
  let name = "qemu"
  var missingPackages: String? { isInstalled("qemu-system-i386") ? nil : "qemu-system-x86" }

  func run(_ guest: Guest, timeout: Duration) throws -> Outcome {
    let child = try Child(
      name,
      [
        "qemu-system-i386", "-accel", "tcg", "-cpu", "pentium3,+sse2", "-m", "512", "-nodefaults",
        "-display", "none", "-serial", "stdio", "-device", "isa-debug-exit,iobase=0xf4",
        "-no-reboot", "-kernel", guest.image, "-append", guest.arguments,
      ])
    return try measure(child, timeout: timeout)
  }
}

/// Debian's Bochs. It knows no Multiboot, so GRUB boots the guest from a CD; it has its debugger built in, which is told
/// to continue; its one display without a screen wants a terminal; and it has no exit device, so it is killed.
struct Bochs: Emulator {
  let name = "bochs"

  var missingPackages: String? {
    let wanted = [
      ("bochs", "bochs bochs-term"), ("grub-mkrescue", "grub-common grub-pc-bin"), ("xorriso", "xorriso"),
      ("mformat", "mtools"), ("script", "bsdutils"), ("setpriv", "util-linux"),
    ]
    var packages = wanted.filter { !isInstalled($0.0) }.map(\.1)
    if !isReadable(Self.bios) { packages.append("bochsbios") }
    if !isReadable(Self.videoBIOS) { packages.append("vgabios") }
    return packages.isEmpty ? nil : packages.joined(separator: " ")
  }

  private static let bios = "/usr/share/bochs/BIOS-bochs-latest"
  private static let videoBIOS = "/usr/share/bochs/VGABIOS-lgpl-latest"

  func run(_ guest: Guest, timeout: Duration) throws -> Outcome {
    let folder = try TemporaryFolder()
    defer { folder.remove() }
    let disc = try makeDisc(of: guest, in: folder)
    let serial = folder.path + "/serial"
    guard mkfifo(serial, 0o600) == 0 else { throw BenchError.system("mkfifo", reason: systemError()) }
    let configuration = try folder.write(
      "bochsrc",
      """
      megs: 512
      cpu: model=bx_generic, reset_on_triple_fault=0
      romimage: file=\(Self.bios)
      vgaromimage: file=\(Self.videoBIOS)
      ata0-master: type=cdrom, path=\(disc), status=inserted
      boot: cdrom
      display_library: term
      com1: enabled=1, mode=file, dev=\(serial)
      log: \(folder.path)/log
      clock: sync=none

      """)
    let commands = try folder.write("commands", "c\n")
    // Bochs minds no signal but SIGKILL. It gets that when `script`, its parent, ends, and
    // `script` when we do: no Ctrl-C leaves one running.
    let command = "TERM=xterm exec setpriv --pdeathsig KILL bochs -q -f \(configuration) -rc \(commands)"
    let child = try Child(
      name, ["setpriv", "--pdeathsig", "KILL", "script", "-qc", command, "/dev/null"], fifo: serial)
    return try measure(child, timeout: timeout, hasExitDevice: false)
  }

  /// A CD image that boots the guest through GRUB.
  private func makeDisc(of guest: Guest, in folder: TemporaryFolder) throws(BenchError) -> String {
    try folder.makeFolder("disc")
    try folder.makeFolder("disc/boot")
    try folder.makeFolder("disc/boot/grub")
    try folder.copy(guest.image, to: "disc/boot/guest.elf")
    _ = try folder.write(
      "disc/boot/grub/grub.cfg",
      """
      set timeout=0
      menuentry guest {
        multiboot /boot/guest.elf \(guest.arguments)
        boot
      }

      """)
    let disc = folder.path + "/guest.iso"
    let child = try Child(
      "grub-mkrescue", ["sh", "-c", "exec grub-mkrescue -o \"$0\" \"$1\" 2>&1", disc, folder.path + "/disc"])
    var lastLine = ""
    try child.readLines(timeout: .seconds(120)) { line, _ in
      lastLine = String(line)
      return true
    }
    let ending = child.wait()
    guard isReadable(disc) else {
      throw .cannotStart("bochs", reason: "grub-mkrescue made no image (\(ending.status)): \(lastLine)")
    }
    return disc
  }
}
