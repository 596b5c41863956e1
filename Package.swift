// swift-tools-version: 6.2

import PackageDescription

/// Every target is held to the same bar: Swift 6 and no warnings.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
]

let package = Package(
  name: "pagewalk",
  products: [
    .executable(name: "pagewalk", targets: ["pagewalk"]),
    .executable(name: "pagewalk-bench", targets: ["pagewalk-bench"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
    .package(url: "https://github.com/swhitty/FlyingFox", exact: "0.27.1"),
  ],
  targets: [
    // libelf, from Debian's libelf-dev.
    .systemLibrary(name: "CElf", pkgConfig: "libelf", providers: [.apt(["libelf-dev", "pkg-config"])]),
    // libdw, which comes with libelf, from Debian's libdw-dev.
    .systemLibrary(name: "CDwarf", pkgConfig: "libdw", providers: [.apt(["libdw-dev", "pkg-config"])]),
    // libedit, from Debian's libedit-dev.
    .systemLibrary(name: "CEdit", pkgConfig: "libedit", providers: [.apt(["libedit-dev", "pkg-config"])]),
    // libzstd, from Debian's libzstd-dev.
    .systemLibrary(name: "CZstd", pkgConfig: "libzstd", providers: [.apt(["libzstd-dev", "pkg-config"])]),
    // GNU MPFR, from Debian's libmpfr-dev.
    .systemLibrary(name: "CMPFR", pkgConfig: "mpfr", providers: [.apt(["libmpfr-dev", "pkg-config"])]),
    // The host's own floating-point units; empty where the host is not x86-64.
    .target(name: "CHostFPU"),
    // The arithmetic of x87 and SSE: values in, values and flags out.
    .target(name: "FloatingPoint", dependencies: ["CHostFPU", "CMPFR"], swiftSettings: strict),
    // The boot ROM's assembly, carried inside the binary as constant data.
    .target(name: "BootROM", path: "firmware/BootROM"),
    .target(name: "IA32", swiftSettings: strict),
    .target(name: "Emulator", dependencies: ["IA32", "FloatingPoint"], swiftSettings: strict),
    .target(
      name: "GuestImages", dependencies: ["CElf", "CDwarf", "BootROM", "IA32", "Emulator", "HostFiles"],
      // `@_extern(c)`, for the demangler in Swift's runtime library, which has no header.
      swiftSettings: strict + [.enableExperimentalFeature("Extern")]),
    // Looks at a running mini-kernel from outside; knows it by its symbols and one layout table.
    .target(name: "KernelAudit", dependencies: ["IA32", "Emulator", "GuestImages"], swiftSettings: strict),
    // What people and programs are told of a machine and a run: reports in words and JSON.
    .target(
      name: "Reports", dependencies: ["IA32", "FloatingPoint", "Emulator", "GuestImages", "HostFiles"],
      swiftSettings: strict),
    // Machines in files.
    .target(
      name: "Snapshots", dependencies: ["IA32", "Emulator", "GuestImages", "HostFiles", "Traces"],
      swiftSettings: strict),
    // Running a guest to its end: what the command line, the debugger and traces share.
    .target(
      name: "Runs",
      dependencies: [
        "IA32", "Emulator", "GuestImages", "HostFiles", "MachineDescriptions", "Reports", "Traces",
        "Snapshots", "KernelAudit",
      ],
      swiftSettings: strict),
    // The shell: commands, expressions, stops, the past.
    .target(
      name: "Debugger",
      dependencies: ["IA32", "Emulator", "GuestImages", "Reports", "KernelAudit", "Traces", "Runs"],
      swiftSettings: strict),
    // The debugger for gdb: its remote protocol in front of a session.
    .target(
      name: "GDBServer",
      dependencies: ["IA32", "Emulator", "GuestImages", "HostFiles", "Reports", "Runs", "Debugger"],
      swiftSettings: strict),
    // The page's own HTML, CSS and JavaScript, carried inside the binary as constant data.
    .target(name: "WebPage", exclude: ["Page"]),
    // A run as a page in a browser shows it: what happened, answers in JSON, the report file.
    .target(
      name: "WebView",
      dependencies: [
        "IA32", "Emulator", "GuestImages", "Reports", "KernelAudit", "Runs", "Traces", "Debugger", "WebPage",
      ],
      swiftSettings: strict),
    // The page's server: questions from a browser to the machine's thread.
    .target(
      name: "WebServer",
      dependencies: [
        "Emulator", "Reports", "Runs", "Debugger", "WebView",
        .product(name: "FlyingFox", package: "FlyingFox"),
      ],
      swiftSettings: strict),
    // Machine descriptions: presets and YAML files.
    .target(
      name: "MachineDescriptions",
      dependencies: ["IA32", "Emulator", .product(name: "Yams", package: "Yams")],
      swiftSettings: strict),
    // Files of the host that are written whole or not at all.
    .target(name: "HostFiles", swiftSettings: strict),
    // What a guest did, in files: recorded, compared, exported.
    .target(
      name: "Traces", dependencies: ["CZstd", "IA32", "Emulator", "GuestImages", "HostFiles", "Reports"],
      swiftSettings: strict),
    // The guest kernel imports nothing of ours: machine and kernel share no code.
    .target(name: "MiniKernel", swiftSettings: strict),
    .executableTarget(
      name: "pagewalk",
      dependencies: [
        "CEdit", "IA32", "Emulator", "GuestImages", "Reports", "KernelAudit", "MachineDescriptions",
        "Debugger", "GDBServer", "WebView", "WebServer", "Runs", "Traces", "Snapshots", "HostFiles",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),
    // Runs the benchmark guest on ours and on other emulators; knows them by their command lines alone.
    .executableTarget(
      name: "pagewalk-bench",
      dependencies: [.product(name: "ArgumentParser", package: "swift-argument-parser")],
      path: "Benchmarks/Runner",
      swiftSettings: strict),
    // What several test targets need.
    .target(name: "TestSupport", path: "Tests/TestSupport", swiftSettings: strict),
    // Reads the sources themselves.
    .testTarget(name: "SourcesTests", swiftSettings: strict),
    .testTarget(name: "IA32Tests", dependencies: ["IA32", "TestSupport"], swiftSettings: strict),
    // The host's own processor as the oracle of the emulated arithmetic; empty where the host is not x86-64.
    .target(name: "HostOracle", path: "Tests/HostOracle"),
    // Single floating-point instructions on the host's units, with faults; empty where the host is not x86-64 Linux.
    .target(name: "HostCode", path: "Tests/HostCode"),
    .testTarget(
      name: "FloatingPointTests", dependencies: ["FloatingPoint", "CMPFR", "HostCode", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "EmulatorTests",
      dependencies: [
        "CZstd", "IA32", "Emulator", "GuestImages", "FloatingPoint", "HostOracle", "HostCode", "TestSupport",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "GuestImagesTests", dependencies: ["IA32", "Emulator", "GuestImages", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "MachineDescriptionsTests",
      dependencies: ["IA32", "Emulator", "MachineDescriptions", "TestSupport"],
      swiftSettings: strict),
    .testTarget(
      name: "TracesTests",
      dependencies: ["IA32", "Emulator", "GuestImages", "HostFiles", "Reports", "Traces", "TestSupport"],
      swiftSettings: strict),
    .testTarget(name: "ReportsTests", dependencies: ["Emulator", "Reports"], swiftSettings: strict),
    .testTarget(
      name: "RunsTests",
      dependencies: [
        "Emulator", "GuestImages", "HostFiles", "MachineDescriptions", "Reports", "Runs", "Snapshots",
        "TestSupport",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "PagewalkTests",
      dependencies: ["pagewalk", "Emulator", "GuestImages", "IA32", "Reports", "Runs", "Traces"],
      swiftSettings: strict),
    .testTarget(
      name: "DebuggerTests",
      dependencies: [
        "IA32", "Emulator", "GuestImages", "Reports", "Runs", "Debugger", "Traces", "TestSupport",
      ],
      exclude: ["Scripts"], swiftSettings: strict),
    .testTarget(
      name: "GDBServerTests",
      dependencies: [
        "IA32", "Emulator", "GuestImages", "Reports", "Runs", "Debugger", "GDBServer", "TestSupport",
      ],
      swiftSettings: strict),
    .testTarget(
      name: "WebViewTests",
      dependencies: ["IA32", "Emulator", "GuestImages", "Reports", "Debugger", "WebView", "WebServer"],
      swiftSettings: strict),
    .testTarget(
      name: "KernelAuditTests",
      dependencies: ["IA32", "Emulator", "GuestImages", "KernelAudit", "MiniKernel"],
      swiftSettings: strict),
    .testTarget(
      name: "MiniKernelTests",
      dependencies: ["IA32", "Emulator", "GuestImages", "KernelAudit", "MiniKernel", "TestSupport"],
      swiftSettings: strict),
  ]
)
