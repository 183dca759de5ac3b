"""Java, Kotlin, C#."""

from errors.corpus.shapes import java, java_frame, sharp, sharp_frame

_SPRING = java_frame(
    "org.springframework.web.servlet.DispatcherServlet", "doDispatch", 1089, app=False
)
_SHOW = java_frame("com.acme.shop.CartController", "show", 31)
_NULL = 'Cannot invoke "Line.price()" because "line" is null'

CASES = [
    (
        "java total",
        "as it first came",
        java(
            "NullPointerException",
            _NULL,
            _SPRING,
            _SHOW,
            java_frame("com.acme.shop.Cart", "total", 55),
        ),
    ),
    (
        "java total",
        "lines have moved, a lambda of the method",
        java(
            "NullPointerException",
            _NULL,
            _SPRING,
            _SHOW,
            java_frame("com.acme.shop.Cart", "lambda$total$0", 58),
        ),
    ),
    (
        "java total",
        "the lambda has another number",
        java(
            "NullPointerException",
            _NULL,
            _SPRING,
            _SHOW,
            java_frame("com.acme.shop.Cart", "lambda$total$3", 61),
        ),
    ),
    (
        "java other class",
        "the same method of another class",
        java(
            "NullPointerException",
            _NULL,
            _SPRING,
            _SHOW,
            java_frame("com.acme.shop.Wishlist", "total", 55),
        ),
    ),
    (
        "java proxy",
        "through a proxy of CGLIB",
        java(
            "IllegalStateException",
            "closed",
            java_frame("com.acme.shop.Orders$$EnhancerBySpringCGLIB$$ab12cd34", "place", 0),
            java_frame("com.acme.shop.Orders", "place", 12),
        ),
    ),
    (
        "java proxy",
        "the proxy has another name",
        java(
            "IllegalStateException",
            "closed",
            java_frame("com.acme.shop.Orders$$EnhancerBySpringCGLIB$$9f00aa11", "place", 0),
            java_frame("com.acme.shop.Orders", "place", 14),
        ),
    ),
    (
        "java reflection",
        "the first calls are native",
        java(
            "IllegalArgumentException",
            "no such key",
            java_frame("jdk.internal.reflect.NativeMethodAccessorImpl", "invoke0", 0, app=False),
            java_frame("java.lang.reflect.Method", "invoke", 568, app=False),
            java_frame("org.quartz.core.JobRunShell", "run", 202, app=False),
        ),
    ),
    (
        "java reflection",
        "later ones are generated",
        java(
            "IllegalArgumentException",
            "no such key",
            java_frame("jdk.internal.reflect.GeneratedMethodAccessor117", "invoke", 0, app=False),
            java_frame("java.lang.reflect.Method", "invoke", 580, app=False),
            java_frame("org.quartz.core.JobRunShell", "run", 202, app=False),
        ),
    ),
    (
        "kt load",
        "a coroutine",
        java(
            "IllegalStateException",
            "no cart",
            java_frame("kotlinx.coroutines.DispatchedTask", "run", 108, app=False),
            java_frame("com.acme.shop.CheckoutViewModel$load$1", "invokeSuspend", 44),
        ),
    ),
    (
        "kt load",
        "the coroutine has another number",
        java(
            "IllegalStateException",
            "no cart",
            java_frame("kotlinx.coroutines.DispatchedTask", "run", 99, app=False),
            java_frame("com.acme.shop.CheckoutViewModel$load$2", "invokeSuspend", 48),
        ),
    ),
    (
        "kt save",
        "another coroutine of the class",
        java(
            "IllegalStateException",
            "no cart",
            java_frame("com.acme.shop.CheckoutViewModel$save$1", "invokeSuspend", 84),
        ),
    ),
    (
        "cs total",
        "an async method",
        sharp(
            "System.InvalidOperationException",
            "Sequence contains no elements",
            sharp_frame("Shop.CartController", "Show", 20),
            sharp_frame(
                "System.Runtime.CompilerServices.TaskAwaiter", "ThrowForNonSuccess", app=False
            ),
            sharp_frame("Shop.Cart+<TotalAsync>d__5", "MoveNext", 44),
        ),
    ),
    (
        "cs total",
        "its state machine has another number",
        sharp(
            "System.InvalidOperationException",
            "Sequence contains no elements",
            sharp_frame("Shop.CartController", "Show", 22),
            sharp_frame("Shop.Cart+<TotalAsync>d__9", "MoveNext", 49),
        ),
    ),
    (
        "cs total",
        "made readable by the SDK",
        sharp(
            "System.InvalidOperationException",
            "Sequence contains no elements",
            sharp_frame("Shop.CartController", "Show()", 22),
            sharp_frame("Shop.Cart", "async Task<decimal> TotalAsync(int id)", 49),
        ),
    ),
    (
        "cs lambda",
        "a lambda",
        sharp(
            "System.FormatException",
            "bad",
            sharp_frame("Shop.Import+<>c__DisplayClass3_0", "<Run>b__1", 12),
        ),
    ),
    (
        "cs lambda",
        "the compiler has numbered anew",
        sharp(
            "System.FormatException",
            "bad",
            sharp_frame("Shop.Import+<>c__DisplayClass7_0", "<Run>b__4", 18),
        ),
    ),
    (
        "cs generic",
        "a generic class",
        sharp("System.ArgumentException", "bad", sharp_frame("Shop.Repository`1", "Find[T]", 4)),
    ),
    (
        "cs generic",
        "its parameters named",
        sharp("System.ArgumentException", "bad", sharp_frame("Shop.Repository", "Find", 6)),
    ),
]
