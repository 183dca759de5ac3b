"""The functions that user SQL may call: pure, bounded, and blind to the machine.

A list of what is allowed, because the embedded engine has functions that read files
(`file`), wait (`sleep`), call models (`aiGenerate`), and tell about the host. Left out as
well are functions that are pure but may run for minutes inside one block, where no time
limit is looked at (`arrayFold`, edit distances, `histogram`), and those whose argument
names a table (`joinGet`, `dictGet`).
"""

_SCALARS = """
abs accurateCast accurateCastOrDefault accurateCastOrNull acos acosh addDate addDays addHours
addMicroseconds addMilliseconds addMinutes addMonths addNanoseconds addQuarters addSeconds addWeeks
addYears age alphaTokens and appendTrailingCharIfAbsent array arrayAll arrayAvg arrayCompact
arrayConcat arrayCount arrayCumSum arrayCumSumNonNegative arrayDifference arrayDistinct
arrayElement arrayElementOrNull arrayEnumerate arrayEnumerateDense arrayEnumerateUniq arrayExcept
arrayExists arrayFill arrayFilter arrayFirst arrayFirstIndex arrayFirstOrNull arrayFlatten
arrayIntersect arrayJoin arrayLast arrayLastIndex arrayLastOrNull arrayMap arrayMax arrayMin
arrayPartialSort arrayPopBack arrayPopFront arrayProduct arrayPushBack arrayPushFront arrayRemove
arrayResize arrayReverse arrayReverseFill arrayReverseSort arrayReverseSplit arrayRotateLeft
arrayRotateRight arrayShiftLeft arrayShiftRight arraySlice arraySort arraySplit arrayStringConcat
arraySum arraySymmetricDifference arrayUnion arrayUniq arrayWithConstant arrayZip
arrayZipUnaligned ascii asin asinh assumeNotNull atan atan2 atanh bar base58Decode base58Encode
base64Decode base64Encode base64URLDecode base64URLEncode basename bin bitAnd bitCount bitNot bitOr
bitRotateLeft bitRotateRight bitShiftLeft bitShiftRight bitSlice bitTest bitTestAll bitTestAny
bitXor bitmaskToArray byteSize byteSwap CAST caseWithExpression cbrt ceil ceiling changeDay
changeHour changeMinute changeMonth changeSecond changeYear char cityHash64 clamp coalesce
compareSubstrings concat concatWithSeparator concat_ws conv convertCharset cos cosh countDigits
countEqual countMatches countMatchesCaseInsensitive countSubstrings countSubstringsCaseInsensitive
countSubstringsCaseInsensitiveUTF8 CRC32 CRC64 curdate current_date current_timestamp cutFragment
cutIPv6 cutQueryString cutQueryStringAndFragment cutToFirstSignificantSubdomain cutURLParameter
cutWWW date DATE DATE_FORMAT date_diff DATE_DIFF dateDiff dateName dateTrunc DATE_TRUNC
date_bin decodeHTMLComponent decodeURLComponent decodeURLFormComponent decodeXMLComponent degrees
divide divideDecimal divideOrNull domain domainWithoutWWW dynamicElement dynamicType e empty
emptyArrayToSingle encodeURLComponent encodeURLFormComponent encodeXMLComponent endsWith
endsWithCaseInsensitive endsWithUTF8 equals erf erfc exists exp exp10 exp2 extract extractAll
extractAllGroups extractAllGroupsHorizontal extractAllGroupsVertical extractGroups
extractKeyValuePairs extractTextFromHTML extractURLParameter extractURLParameterNames
extractURLParameters farmHash64 firstLine firstNonDefault firstSignificantSubdomain flatten
flattenTuple floor format formatDateTime formatDateTimeInJodaSyntax formatReadableDecimalSize
formatReadableQuantity formatReadableSize formatReadableTimeDelta fragment FROM_UNIXTIME
fromUnixTimestamp fromUnixTimestamp64Micro fromUnixTimestamp64Milli fromUnixTimestamp64Nano
fromUnixTimestamp64Second gcd geohashDecode geohashEncode greatCircleDistance greater
greaterOrEquals greatest grouping halfMD5 has hasAll hasAllTokens hasAny hasAnyTokens hasPhrase
hasSubsequence hasSubsequenceCaseInsensitive hasSubstr hasToken hasTokenCaseInsensitive
hasTokenCaseInsensitiveOrNull hasTokenOrNull hex hypot identity if ifNotFinite ifNull ilike
indexOf initcap instr intDiv intDivOrNull intDivOrZero intExp10 intExp2 intHash32 intHash64
IPv4CIDRToRange IPv4NumToString IPv4NumToStringClassC IPv4StringToNum IPv4StringToNumOrDefault
IPv4StringToNumOrNull IPv4ToIPv6 IPv6CIDRToRange IPv6NumToString IPv6StringToNum
IPv6StringToNumOrDefault IPv6StringToNumOrNull isDistinctFrom isFinite isIPAddressInRange
isIPv4String isIPv6String isInfinite isNaN isNotDistinctFrom isNotNull isNull isNullable
isValidJSON isValidUTF8 isZeroOrNull javaHash JSONAllPaths JSONArrayLength JSONExtract
JSONExtractArrayRaw JSONExtractBool JSONExtractFloat JSONExtractInt JSONExtractKeys
JSONExtractKeysAndValues JSONExtractKeysAndValuesRaw JSONExtractRaw JSONExtractString
JSONExtractUInt JSONHas JSONKey JSONLength JSONType JSON_EXISTS JSON_QUERY JSON_VALUE
jumpConsistentHash kafkaMurmurHash lambda lcase lcm least left leftPad leftPadUTF8 leftUTF8 length
lengthUTF8 less lessOrEquals lgamma like ln locate log log10 log1p log2 lower lowerUTF8 lpad ltrim
MACNumToString makeDate makeDate32 makeDateTime makeDateTime64 map mapAdd mapAll mapApply mapConcat
mapContains mapContainsKey mapContainsKeyLike mapContainsValue mapContainsValueLike mapExists
mapExtractKeyLike mapExtractValueLike mapFilter mapFromArrays mapFromString mapKeys mapReverseSort
mapSort mapSubtract mapUpdate mapValues match matchCaseInsensitive materialize max2 MD5 mid
midpoint min2 minus mod modulo moduloOrNull moduloOrZero monthName multiIf multiMatchAllIndices
multiMatchAny multiMatchAnyIndex multiSearchAllPositions multiSearchAllPositionsCaseInsensitive
multiSearchAny multiSearchAnyCaseInsensitive multiSearchAnyUTF8 multiSearchFirstIndex
multiSearchFirstPosition multiply multiplyDecimal murmurHash2_64 murmurHash3_128 murmurHash3_32
murmurHash3_64 negate netloc ngrams normalizeUTF8NFC normalizeUTF8NFD normalizeUTF8NFKC
normalizeUTF8NFKD not notEmpty notEquals notHas notILike notLike notMatch now now64 nullIf or
overlay overlayUTF8 parseDateTime parseDateTime32BestEffort parseDateTime32BestEffortOrNull
parseDateTime32BestEffortOrZero parseDateTime64 parseDateTime64BestEffort
parseDateTime64BestEffortOrNull parseDateTime64BestEffortOrZero parseDateTimeBestEffort
parseDateTimeBestEffortOrNull parseDateTimeBestEffortOrZero parseDateTimeBestEffortUS
parseDateTimeInJodaSyntax parseDateTimeOrNull parseDateTimeOrZero parseReadableSize
parseReadableSizeOrNull parseReadableSizeOrZero parseTimeDelta path pathFull pi plus port position
positionCaseInsensitive positionCaseInsensitiveUTF8 positionUTF8 positiveModulo
positiveModuloOrNull pow power prettyPrintJSON printf protocol queryString queryStringAndFragment
radians rand rand32 rand64 randCanonical randNormal randUniform range regexpExtract
regexpQuoteMeta REGEXP_REPLACE reinterpretAsFloat32 reinterpretAsFloat64 reinterpretAsInt16
reinterpretAsInt32 reinterpretAsInt64 reinterpretAsInt8 reinterpretAsString reinterpretAsUInt16
reinterpretAsUInt32 reinterpretAsUInt64 reinterpretAsUInt8 removeDiacriticsUTF8 repeat replace
replaceAll replaceOne replaceRegexpAll replaceRegexpOne reverse reverseUTF8 right rightPad
rightPadUTF8 rightUTF8 round roundBankers roundDown roundDuration roundToExp2 rowNumberInAllBlocks
rpad rtrim runningDifference SHA1 SHA224 SHA256 SHA384 SHA512 sigmoid sign simpleJSONExtractBool
simpleJSONExtractFloat simpleJSONExtractInt simpleJSONExtractRaw simpleJSONExtractString
simpleJSONExtractUInt simpleJSONHas sin sinh sipHash128 sipHash64 soundex space splitByChar
splitByNonAlpha splitByRegexp splitByString splitByWhitespace sqr sqrt startsWith
startsWithCaseInsensitive startsWithUTF8 subDate substr substring substringIndex substringUTF8
SUBSTRING_INDEX subtractDays subtractHours subtractMicroseconds subtractMilliseconds
subtractMinutes subtractMonths subtractNanoseconds subtractQuarters subtractSeconds subtractWeeks
subtractYears tan tanh tgamma timeDiff timeSlot time_bucket timestamp timestampDiff toBool toDate
toDate32 toDate32OrDefault toDate32OrNull toDate32OrZero toDateOrDefault toDateOrNull toDateOrZero
toDateTime toDateTime32 toDateTime64 toDateTime64OrDefault toDateTime64OrNull toDateTime64OrZero
toDateTimeOrDefault toDateTimeOrNull toDateTimeOrZero toDayOfMonth toDayOfWeek toDayOfYear
toDaysInMonth toDecimal128 toDecimal128OrNull toDecimal128OrZero toDecimal32 toDecimal32OrNull
toDecimal32OrZero toDecimal64 toDecimal64OrNull toDecimal64OrZero toDecimalString toFixedString
toFloat32 toFloat32OrDefault toFloat32OrNull toFloat32OrZero toFloat64 toFloat64OrDefault
toFloat64OrNull toFloat64OrZero toHour toIPv4 toIPv4OrDefault toIPv4OrNull toIPv4OrZero toIPv6
toIPv6OrDefault toIPv6OrNull toIPv6OrZero toISOWeek toISOYear toInt128 toInt128OrNull
toInt128OrZero toInt16 toInt16OrDefault toInt16OrNull toInt16OrZero toInt256 toInt32
toInt32OrDefault toInt32OrNull toInt32OrZero toInt64 toInt64OrDefault toInt64OrNull toInt64OrZero
toInt8 toInt8OrDefault toInt8OrNull toInt8OrZero toInterval toIntervalDay toIntervalHour
toIntervalMicrosecond toIntervalMillisecond toIntervalMinute toIntervalMonth toIntervalNanosecond
toIntervalQuarter toIntervalSecond toIntervalWeek toIntervalYear toJSONString toLastDayOfMonth
toLastDayOfWeek toLowCardinality toMicrosecond toMillisecond toMinute toMonday toMonth toNanosecond
toNullable toQuarter toRelativeDayNum toRelativeHourNum toRelativeMinuteNum toRelativeMonthNum
toRelativeSecondNum toRelativeWeekNum toRelativeYearNum toSecond toStartOfDay
toStartOfFifteenMinutes toStartOfFiveMinutes toStartOfHour toStartOfInterval toStartOfISOYear
toStartOfMicrosecond toStartOfMillisecond toStartOfMinute toStartOfMonth toStartOfNanosecond
toStartOfQuarter toStartOfSecond toStartOfTenMinutes toStartOfWeek toStartOfYear toString
toStringCutToZero toTime toTypeName toUInt128 toUInt16 toUInt16OrDefault toUInt16OrNull
toUInt16OrZero toUInt256 toUInt32 toUInt32OrDefault toUInt32OrNull toUInt32OrZero toUInt64
toUInt64OrDefault toUInt64OrNull toUInt64OrZero toUInt8 toUInt8OrDefault toUInt8OrNull
toUInt8OrZero toUUID toUUIDOrDefault toUUIDOrNull toUUIDOrZero toUnixTimestamp
toUnixTimestamp64Micro toUnixTimestamp64Milli toUnixTimestamp64Nano toUnixTimestamp64Second
toValidUTF8 toWeek toYYYYMM toYYYYMMDD toYYYYMMDDhhmmss toYear toYearWeek today tokens
topLevelDomain toTimezone toTimeZone TO_BASE64 FROM_BASE64 TO_UNIXTIME transform translate
translateUTF8 trim trimBoth trimLeft trimRight trunc truncate tryBase64Decode tuple tupleConcat
tupleDivide tupleElement tupleMinus tupleMultiply tupleNames tuplePlus tupleToNameValuePairs ucase
unbin unhex upper upperUTF8 URLHierarchy URLPathHierarchy UUIDNumToString UUIDStringToNum
widthBucket width_bucket xor xxHash32 xxHash64 xxh3 yesterday YEAR MONTH DAY HOUR MINUTE SECOND
QUARTER DAYOFWEEK DAYOFMONTH DAYOFYEAR WEEK LAST_DAY
"""

_AGGREGATES = """
any anyHeavy anyLast any_value argMax argMin avg avgWeighted approx_top_k approx_top_sum
array_agg corr count covarPop covarSamp deltaSum deltaSumTimestamp entropy
exponentialMovingAverage exponentialTimeDecayedAvg first_value groupArray groupArrayIntersect
groupArrayLast groupArrayMovingAvg groupArrayMovingSum groupArraySample groupArraySorted
groupBitAnd groupBitOr groupBitXor groupConcat groupUniqArray intervalLengthSum kurtPop kurtSamp
last_value max maxIntersections maxIntersectionsPosition max_by median medianDD
medianExact medianTDigest min min_by nonNegativeDerivative quantile quantileBFloat16
quantileDD quantileDeterministic quantileExact quantileExactExclusive quantileExactHigh
quantileExactInclusive quantileExactLow quantileExactWeighted quantileGK
quantileInterpolatedWeighted quantileTDigest quantileTDigestWeighted quantileTiming
quantileTimingWeighted quantiles quantilesBFloat16 quantilesDD quantilesDeterministic
quantilesExact quantilesExactExclusive quantilesExactHigh quantilesExactInclusive
quantilesExactLow quantilesExactWeighted quantilesGK quantilesInterpolatedWeighted
quantilesTDigest quantilesTDigestWeighted quantilesTiming quantilesTimingWeighted retention
sequenceCount sequenceMatch simpleLinearRegression singleValueOrNull skewPop skewSamp sparkbar
stddevPop stddevPopStable stddevSamp stddevSampStable STDDEV_POP STDDEV_SAMP string_agg sum
sumCount sumKahan sumWithOverflow topK topKWeighted uniq uniqCombined uniqCombined64
uniqExact uniqHLL12 uniqUpTo varPop varPopStable varSamp varSampStable VAR_POP VAR_SAMP
windowFunnel
"""

_WINDOWS = """
row_number rank dense_rank denseRank percent_rank percentRank cume_dist ntile lag lead
lagInFrame leadInFrame nth_value
"""

# `count(DISTINCT x)` arrives as `countDistinct`, `sum(x) FILTER (WHERE …)` as `sumIf`.
_COMBINATORS = (
    "If",
    "Array",
    "Map",
    "ForEach",
    "Distinct",
    "OrDefault",
    "OrNull",
    "ArgMin",
    "ArgMax",
)

IN_FUNCTIONS = frozenset(
    {"in", "notIn", "nullIn", "notNullIn", "globalIn", "globalNotIn", "globalNullIn", "globalNotNullIn"}
)  # fmt: skip

SCALARS = frozenset(_SCALARS.split()) | IN_FUNCTIONS
AGGREGATES = frozenset(_AGGREGATES.split())
WINDOWS = frozenset(_WINDOWS.split())

_ANY_CASE = frozenset(name.lower() for name in SCALARS | AGGREGATES | WINDOWS)


def allowed(name: str) -> bool:
    """Whether user SQL may call the function; case is left to the engine to judge."""
    if name.lower() in _ANY_CASE:
        return True
    for combinator in _COMBINATORS:
        if name.endswith(combinator) and len(name) > len(combinator):
            return aggregate(name.removesuffix(combinator))
    return False


def aggregate(name: str) -> bool:
    """Whether the name is an allowed aggregate function, combinators included."""
    if name in AGGREGATES or name.lower() in {"count", "sum", "avg", "min", "max", "any"}:
        return True
    return any(
        name.endswith(combinator)
        and len(name) > len(combinator)
        and aggregate(name.removesuffix(combinator))
        for combinator in _COMBINATORS
    )
