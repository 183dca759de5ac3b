"""Swift, Objective-C, Dart, React Native."""

from errors.corpus.shapes import browser, dart, dart_frame, script_frame, swift, swift_frame

_APP = "/private/var/containers/Bundle/Application/{}/Shop.app/Shop"
_ONE = _APP.format("7F3E2B1C-0D4A-4B7E-9C1D-2F6A5E8B9C0D")
_TWO = _APP.format("00112233-4455-6677-8899-AABBCCDDEEFF")
_UIKIT = "/System/Library/PrivateFrameworks/UIKitCore.framework/UIKitCore"

CASES = [
    (
        "swift total",
        "as it first came",
        swift(
            "EXC_BREAKPOINT",
            "Unexpectedly found nil > Attempted to dereference",
            swift_frame(
                "-[UIApplication sendAction:to:from:forEvent:]", _UIKIT, "0x1a2b3c", app=False
            ),
            swift_frame("Cart.total()", _ONE, "0x104f3a2c8"),
        ),
    ),
    (
        "swift total",
        "another installation and address",
        swift(
            "EXC_BREAKPOINT",
            "Unexpectedly found nil > Attempted to dereference",
            swift_frame(
                "-[UIApplication sendAction:to:from:forEvent:]", _UIKIT, "0x1a2b99", app=False
            ),
            swift_frame("specialized Cart.total()", _TWO, "0x100aa12c8"),
        ),
    ),
    (
        "swift total",
        "in a closure of it",
        swift(
            "EXC_BREAKPOINT",
            "Unexpectedly found nil",
            swift_frame("closure #1 in Cart.total()", _TWO, "0x100aa12f8"),
        ),
    ),
    (
        "swift load",
        "an async function",
        swift(
            "OrderError",
            "notFound",
            swift_frame("Orders.load(_:)", _ONE, "0x1", file="Orders.swift"),
        ),
    ),
    (
        "swift load",
        "resumed",
        swift(
            "OrderError",
            "notFound",
            swift_frame(
                "(2) await resume partial function for Orders.load(_:)",
                _TWO,
                "0x2",
                file="Orders.swift",
            ),
        ),
    ),
    (
        "objc row",
        "a method",
        swift(
            "NSRangeException",
            "index 5 beyond bounds [0 .. 2]",
            swift_frame("-[CartView rowAt:]", _ONE, "0x1"),
        ),
    ),
    (
        "objc row",
        "a block in it",
        swift(
            "NSRangeException",
            "index 9 beyond bounds [0 .. 2]",
            swift_frame("__19-[CartView rowAt:]_block_invoke_2", _TWO, "0x2"),
        ),
    ),
    (
        "dart total",
        "as it first came",
        dart(
            "RangeError",
            "RangeError (index): Invalid value: Not in inclusive range 0..2: 5",
            dart_frame("_CartPageState.build", "shop", "pages/cart_page.dart", 30),
            dart_frame("Cart.total", "shop", "cart.dart", 12),
        ),
    ),
    (
        "dart total",
        "awaited, within a closure",
        dart(
            "RangeError",
            "RangeError (index): Invalid value: Not in inclusive range 0..9: 12",
            dart_frame(
                "_CartPageState.build.<anonymous closure>", "shop", "pages/cart_page.dart", 33
            ),
            {"abs_path": "<asynchronous suspension>", "in_app": False},
            dart_frame("Cart.total.<fn>", "shop", "cart.dart", 14),
        ),
    ),
    (
        "dart pay",
        "another function",
        dart(
            "RangeError",
            "RangeError (index): Invalid value",
            dart_frame("_CartPageState.build", "shop", "pages/cart_page.dart", 30),
            dart_frame("Cart.pay", "shop", "cart.dart", 40),
        ),
    ),
    (
        "rn screen",
        "React Native",
        browser(
            "Error",
            "no route",
            script_frame("navigate", "app:///main.jsbundle", 1, 4411),
            script_frame("CartScreen", "app:///main.jsbundle", 1, 9000),
        ),
    ),
    (
        "rn screen",
        "the next build",
        browser(
            "Error",
            "no route",
            script_frame("navigate", "app:///main.jsbundle", 1, 4477),
            script_frame("CartScreen", "app:///main.jsbundle", 1, 9120),
        ),
    ),
]
