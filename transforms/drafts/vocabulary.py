"""The words of other systems: how billing, loyalty and airline extracts name columns and codes.

Drafts of sources (`pointbook source`) match by it, and nothing else reads it: a word that is
missing here costs a draft a guess, and no file anything. A word belongs here if systems in general
use it; what one system alone writes belongs in its source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

WORDS: Final[Mapping[str, str]] = {
    # what identifies, counts or describes; these say little by themselves
    "id": (
        "id ids no nr num nbr number numb key ident identifier idx ref reference 번호 아이디 식별자"
    ),
    "seq": "seq seqno sequence sn serial srl sno 순번 일련번호 순서 연번",
    "code": "code cd cde 코드",
    "name": "name nm nme 이름 명 명칭",
    "type": (
        "type typ tp tpe kind knd ty gubun gbn dv div category cat catg ctgr ctg sort group "
        "grp 구분 유형 종류 분류 종별"
    ),
    "class": "class cls clss clas 등급 클래스 구분",
    "flag": "flag flg yn ind indicator bool is has able ability possible 여부 가능 유무",
    "amount": (
        "amount amt amnt amts sum value val price prc won krw total tot cost 금액 액 원 가격 대금"
    ),
    "date": "date dt dte day ymd yyyymmdd dat on de 일자 일 날짜 년월일",
    "time": (
        "time tm dtm dttm dtime datetime timestamp tmstmp ts dthms at dts 일시 시각 시간 시점"
    ),
    "month": (
        "month mon mth mnth mm ym yymm yyyymm yyyymon mo period cycle cyc prd 월 년월 연월 월분"
    ),
    "count": "count cnt qty quantity 건수 수량",
    # telecom
    "customer": (
        "customer cust cst cstmr custmr cus client clnt party owner holder 고객 손님 명의자"
    ),
    "account": "account acct acc acnt ac accnt 계정 어카운트",
    "subscriber": "subscriber subscr sbscr subr entrant 가입자",
    "subscription": "subscription subs sub sbs sbscrpt subscr subscription's 회선 가입회선",
    "contract": "contract contr cntr ctrt ctr cont agreement agr agrmt 계약 약정",
    "service": "service svc srv serv svce srvc 서비스 부가서비스",
    "product": "product prod prd prdt prdct goods gds article commodity 상품 제품",
    "phone": (
        "phone tel telno telephone hp cell handphone msisdn mdn min ctn phn mobileno hpno 전화 "
        "휴대폰 휴대전화 핸드폰 연락처 전화번호"
    ),
    "contact": "contact cntct cont reach 연락처 연락",
    "bill": (
        "bill billing billed bil blg invoice invoiced inv invc invce statement stmt 청구 고지 명세"
    ),
    "line": "line ln lin row detail dtl det entry lineitem 항목 상세 내역 명세 라인",
    "charge": "charge charged chrg chg chrge fee fees rate tariff 요금 과금 료 사용료",
    "item": "item itm items 항목 품목 아이템",
    "collect": (
        "collect collected coll collection clct received receive recv rcv rcvd rcpt receipt "
        "settled settle settlement cleared 수납 입금 수금"
    ),
    "pay": "pay paid payment payed pmt pymt pymnt paymt pay't 결제 지불 납부 납입 지급",
    "due": "due deadline duedate maturity 납기 기한 마감 만기 납부기한 납기일",
    "revision": (
        "revision rev version ver vers vsn corr correction corrected amend amendment adj 정정 "
        "차수 수정차수 회차 버전"
    ),
    "degree": "차 차수",
    # states and dates of a customer or line
    "join": (
        "join joined joining entr entry enter entered since signup sign register registered "
        "registration regist reg rgst enrol enroll enrolled enrolment enrollment enr first "
        "initial 가입 등록 최초 입회"
    ),
    "open": (
        "open opened opening opn activate activated activation actv act start started begin "
        "began beg from since 개통 시작 개시"
    ),
    "close": (
        "close closed closing cls end ended terminate terminated termination term trmn trm "
        "leave left churn churned deactivate deactivated deactivation disconnect disc cancel "
        "cancelled 해지 종료 탈퇴 해약"
    ),
    "status": "status stat sts stts sttus state stt st condition 상태 현황",
    "address": "address addr adr addrs adrs 주소 거주지",
    "update": (
        "update updated upd updt upt modify modified modification mod mdfy change changed chg "
        "chng last lst latest lastupd 갱신 변경 수정 최종 최근"
    ),
    "plan": "plan pln rateplan ppl priceplan pp 요금제 요금상품 플랜",
    "segment": "segment sgmt age target customergroup 연령 대상",
    "credit": "credit crdt cred crd 신용",
    "grade": "grade grd rating rtg score scr level lvl rank 등급 평점 점수",
    # points
    "point": "point points pt pts pnt pnts poi 포인트 점수",
    "earn": (
        "earn earned earning accrue accrued accrual acr acrl grant granted credited crediting "
        "award awarded save saved saving acml accum 적립 부여"
    ),
    "promotion": (
        "promotion promo prom prmt campaign cmpgn cmp camp event evt evnt offer 프로모션 "
        "캠페인 이벤트 행사"
    ),
    "refund": "refund refunded refundable rfnd rfd reimburse reimbursement payback 환급 환불",
    "expire": (
        "expire expires expiry expired exp expr xpir expiration valid until lapse 만료 유효 "
        "소멸 유효기간 종료"
    ),
    "purchase": (
        "purchase purchased purch pur prch buy bought order ordered ord sale sales 구매 주문 구입"
    ),
    "channel": (
        "channel chnl chn chan ch route via shop store outlet seller 채널 경로 매장 구매처 접수처"
    ),
    "use": (
        "use used using usage usg redeem redeemed redemption rdm rdmp redm spend spent 사용 이용"
    ),
    "transaction": "transaction trans txn tran trx tx trn trns deal 거래",
    "benefit": "benefit benefits bnft bnf bene reward discount dscnt dc 혜택 할인",
    "partner": (
        "partner ptnr prtn prtnr part affiliate affil alliance ally 제휴 제휴사 협력사 파트너"
    ),
    "merchant": (
        "merchant mrch mrcht mcht merch store shop vendor vend seller cp 가맹점 판매자 상점"
    ),
    "cancel": (
        "cancel cancels cancelled canceled cncl cxl canc cnl original orig orgn org reverse "
        "reversal rvsl 취소 원거래 원 철회"
    ),
    "request": (
        "request requested req rqst reqst application applied apply app apl appl aply aplct "
        "submit submitted claim 신청 요청 접수"
    ),
    "method": "method mthd mtd meth way means mode manner 방법 수단 방식",
    "limit": "limit lmt lim limt cap ceiling 한도 상한",
    "recurring": (
        "recurring recur recr repeat repeating auto automatic regular rebill 자동 정기 반복"
    ),
    "platform": "platform pltf plat agency pg 플랫폼 대행",
    "commission": "commission comm cmsn cmm fee fees surcharge 수수료",
    # airline
    "member": (
        "member mbr mem memb mmbr membership mship ffp ffn ff fqtv skypass loyalty 회원 스카이패스"
    ),
    "activity": "activity actv act segment seg coupon cpn record rec leg 실적 구간 쿠폰",
    "flight": "flight flt fl flgt fltno 편 편명 항공편 비행 탑승 운항",
    "carrier": "carrier carr cxr car airline al arln arl 항공사 운항사 캐리어",
    "operating": "operating operated oper opr opng op 운항 운항사",
    "origin": (
        "origin orig org orgn dep dept depart departure dpt dprt from frm board brd boardpoint "
        "bp embark 출발 출발지 출발공항 탑승지"
    ),
    "destination": (
        "destination dest dst des dstn arr arrive arrival arvl to off offpoint op down "
        "disembark 도착 도착지 도착공항 목적지"
    ),
    "airport": "airport apt arpt arp port city cty station stn sta point 공항 도시",
    "booking": "booking booked bkg bk book bkng reservation resv rsv rsvn rbd 예약",
    "cabin": "cabin cbn cab compartment cmpt comp seat 좌석 객실 캐빈",
    "ticket": "ticket tickets tkt tckt tk tkts 항공권 티켓 발권",
    "fly": (
        "flown flew fly board boarded boarding brd lift lifted used travelled traveled onboard "
        "탑승 이용"
    ),
    "distance": "distance dist dst dstnc tpm gcd gcm mile miles mileage mi mls nm 거리 비행거리",
    "mile": "mile miles mileage mlg mls mil 마일 마일리지",
    "season": "season ssn seas peak 시즌 성수기 성비수기",
    "trip": "trip journey jrny itinerary itin rtow owrt ow rt 여정 편도왕복 왕복",
    "fare": "fare fares base net 운임 기본운임",
    "fuel": "fuel yq yr fsc surcharge srchg 유류 할증 유류할증료 유류할증",
    "tax": "tax taxes txs txn 세금 제세 공과금 제세공과금",
    "currency": "currency curr cur ccy crncy crcy 통화 화폐",
    "rate": "rate rt conv conversion exchange per ratio 환산 비율 당 당원화",
}
"""What words of column names mean: a concept, and its words and abbreviations. A word may mean
several things (`org` is an origin, or an original).
"""

WEAK: Final = frozenset(
    {
        "id",
        "code",
        "name",
        "type",
        "class",
        "flag",
        "amount",
        "date",
        "time",
        "month",
        "count",
        "seq",
    }
)
"""Concepts that say what kind of value a column holds, not of what."""

NAMES: Final[Mapping[str, Sequence[str]]] = {
    "billing_line_id": ("bill line no", "bill item id", "bill detail seq", "charge id", "bill seq"),
    "customer_id": ("account no", "subscriber no", "client id", "party id"),
    "subscription_id": ("service no", "contract no", "line no", "service contract no", "phone no"),
    "subscriptions.subscription_id": ("service id", "contract id"),
    "product": ("service type", "product code", "service code", "product name", "service name"),
    "charge_item": (
        "charge type",
        "charge code",
        "item code",
        "item name",
        "bill item",
        "fee type",
    ),
    "billing_month": (
        "bill date",
        "bill month",
        "bill period",
        "청구년월",
        "귀속월",
        "charge month",
    ),
    "billed_amount": ("bill amount", "charge amount", "청구액"),
    "collected_amount": ("pay amount", "paid amount", "collect amount", "수납액", "입금액"),
    "due_on": ("due date", "pay due date", "납부기한"),
    "collected_on": ("pay date", "paid date", "collect date", "receipt date", "입금일"),
    "revision": ("correction no", "correction seq", "version", "revision seq"),
    "joined_on": ("join date", "first open date", "registration date", "service start date"),
    "enrolled_on": ("enrol date", "join date", "registration date", "member since"),
    "status": ("status code", "customer status", "state"),
    "terminated_on": ("termination date", "close date", "leave date", "end date", "cancel date"),
    "contact": ("phone no", "phone", "contact no", "mobile phone", "customer phone"),
    "address": ("customer address", "road address"),
    "updated_at": ("update time", "last update date", "modified date", "last change time"),
    "plan": ("plan name", "rate plan", "plan code", "tariff"),
    "plan_class": (
        "plan type",
        "plan class code",
        "plan category",
        "customer segment",
        "age group",
    ),
    "credit_grade": ("credit rating", "credit score", "credit level", "신용평점"),
    "opened_on": ("open date", "activation date", "start date", "service open date"),
    "closed_on": ("close date", "end date", "termination date", "deactivation date"),
    "promotion_credit_id": ("earn no", "earn seq", "promotion earn id", "point earn id"),
    "credited_on": ("earn date", "grant date", "point earn date"),
    "promotion_code": ("promotion id", "campaign id", "event code", "promotion name"),
    "points": ("point amount", "point", "earn point", "use point", "refund point", "redeem point"),
    "refundable": ("refund flag", "refund yn", "환급여부", "환불가능여부"),
    "expires_on": ("expiry date", "valid until", "유효기간", "유효일자", "소멸일"),
    "purchase_id": ("order no", "order id", "sales no", "purchase no", "buy seq"),
    "purchased_at": ("order time", "purchase date", "order date", "sales time", "buy date"),
    "channel": (
        "channel type",
        "channel code",
        "sales channel",
        "order channel",
        "request channel",
    ),
    "amount": ("amount", "pay amount", "order amount", "sales amount", "transaction amount"),
    "purchases.amount": ("purchase amount", "total amount", "order total", "price"),
    "redemption_id": ("use no", "redeem no", "use seq", "transaction no", "use transaction id"),
    "used_at": ("use time", "use date", "redeem time", "redeem date", "transaction time"),
    "benefit": ("benefit type", "benefit code", "discount type", "reward type"),
    "partner": ("partner code", "partner id", "partner name", "store code", "merchant code"),
    "cancels": ("original transaction no", "cancel target no", "original no", "원거래번호"),
    "redemptions.cancels": ("original use no", "original redeem id"),
    "micropayments.cancels": ("original payment no",),
    "application_id": ("request no", "request id", "refund request no", "claim no", "receipt no"),
    "applied_at": ("request time", "request date", "claim time"),
    "method": ("refund method", "pay method", "method code", "method type"),
    "payment_id": ("pay no", "transaction no", "transaction id", "pay seq", "approval no"),
    "requested_at": ("request time", "request date", "transaction time", "pay time", "pay date"),
    "micropayments.requested_at": ("purchase time", "approval time"),
    "merchant": ("merchant name", "merchant id", "store name", "partner name"),
    "category": ("category code", "product category", "item type", "content type"),
    "platform_fee": ("commission", "commission amount", "agency fee", "service fee"),
    "recurring": ("recurring flag", "auto pay flag", "정기결제여부", "자동결제여부"),
    "request_id": ("request no", "request seq", "application no"),
    "requested_limit": ("request limit amount", "limit amount", "new limit", "변경한도"),
    "member_id": ("member no", "ffp no", "skypass no", "membership no", "card no"),
    "activity_id": ("activity no", "segment id", "coupon no", "record id", "flight seq", "row id"),
    "flight_date": ("departure date", "dep date", "board date", "flown date", "운항일", "출발일"),
    "operating_carrier": ("operating airline", "carrier code", "carrier", "airline code"),
    "flight_number": ("flight no", "flight"),
    "origin": ("departure airport", "origin airport", "board point", "from city", "dep station"),
    "destination": (
        "arrival airport",
        "destination airport",
        "off point",
        "to city",
        "arr station",
    ),
    "booking_class": (
        "class",
        "rbd",
        "booking code",
        "class of service",
        "fare class",
        "reservation class",
    ),
    "ticket_type": ("ticket kind", "ticket code", "fare type", "pay type", "revenue type"),
    "flown": (
        "boarded flag",
        "board status",
        "flown flag",
        "lift status",
        "board yn",
        "pax status",
    ),
    "distance_miles": ("distance", "miles", "flown miles", "flight distance"),
    "kind": ("type", "request type", "award type", "신청구분"),
    "cabin": ("cabin class", "seat class", "cabin code"),
    "season": ("season type", "season code", "성수기구분"),
    "trip": ("trip type", "journey type", "편도왕복구분"),
    "paid_at": ("pay time", "pay date", "transaction time", "ticketing time"),
    "currency": ("currency code",),
    "fare": ("fare amount", "base fare", "net fare"),
    "fuel_surcharge": ("fuel surcharge amount", "yq", "fuel"),
    "taxes": ("tax amount", "tax", "taxes and fees"),
    "miles": ("mile amount", "use miles", "deducted miles", "miles used"),
    "krw_per_mile": ("mile rate", "conversion rate", "mile conversion rate", "mile unit price"),
}
"""What columns of ours are called elsewhere, beside their own two names: by column, and where an
export's differs by export and column.
"""

CODES: Final[Mapping[str, Mapping[str, str]]] = {
    "product": {
        "mobile": (
            "mob mbl mobl cellular cell wireless wls 5g lte 3g phone 이동전화 이동통신 무선 "
            "휴대폰 핸드폰"
        ),
        "internet": (
            "int inet net broadband bb isp fiber ftth wired 초고속인터넷 유선인터넷 인터넷서비스"
        ),
        "iptv": "tv itv video 티비 유료방송 아이피티비",
        "wibro": "wb wbr wimax",
        "voip": "ip ipphone 070 인터넷집전화",
        "landline": "land pstn psn tel fixed home 유선전화 일반전화 시내전화",
    },
    "charge_item": {
        "base_fee": "base bas basic monthly bf flat rental 월정액 기본요금 월정료 월기본료",
        "domestic_call": "dom voice domestic call 국내통화 음성통화료 통화료",
        "data_call": "data dat 데이터 데이터이용료",
        "service_fee": "svc service 이용료",
        "basic_service_fee": "bsvc 기본이용료",
        "international_call": "intl idd roaming 국제전화 국제전화료",
        "value_added_service": "vas addon add-on additional 부가 부가서비스료 부가이용료",
        "content": "cont cnt contents 정보이용료 컨텐츠",
        "equipment_rental": "equip eqp rent rental 임대료 장비료 단말임대료",
        "device_instalment": (
            "dev device inst instal installment handset 할부금 단말할부금 단말기대금"
        ),
        "late_fee": "late lfee penalty overdue arrears 연체가산금 가산금 미납가산금",
        "micropayment": "micro mpay mp phonebill 휴대폰결제 소액결제료",
        "other": "oth etc misc others 기타요금 그외",
    },
    "status": {
        "active": "a act normal in use open 사용중 사용 이용중 활성",
        "suspended": "s sus susp suspend hold stopped pause 일시정지 중지 이용정지",
        "terminated": "t term trm closed close cancelled canceled churn churned 해약 탈퇴 종료",
    },
    "plan_class": {
        "standard": "std normal gen general adult 표준 성인",
        "youth": "yth teen kids junior student young 청소년요금 학생 키즈",
        "senior": "snr sen silver elderly 실버 노인 어르신",
        "prepaid": "pre pps pp 선불제 선불요금",
    },
    "purchases.channel": {
        "official_shop": "off shop own official direct mall 직영 직영몰 공식 자사몰",
        "partner": "ptn prt aff affiliate 제휴 제휴몰 제휴처",
    },
    "benefit": {
        "partner_discount": "disc discount pd dc 할인 제휴사할인",
        "double_discount": "double dbl dd 더블",
        "vip_choice": "vip vc choice 초이스",
    },
    "method": {
        "cash": "csh bank transfer account deposit 계좌 현금환급 계좌입금 계좌이체",
        "bill_credit": "bill credit offset deduct deduction 차감 요금공제",
        "gift_card": "gift gc voucher giftcard 기프트카드 상품권지급",
    },
    "refund_applications.channel": {
        "call_centre": "call cc callcenter callcentre phone center 콜센터 전화",
        "online": "web onl internet app mobile 인터넷 홈페이지 앱",
    },
    "category": {
        "content": "cont contents game digital 컨텐츠 게임 디지털콘텐츠",
        "shopping": "shop goods physical mall 실물 쇼핑몰",
        "gift_card": "gift gc giftcard voucher 기프트카드 상품권류",
        "subscription": "sub subs recurring 구독서비스 정기결제",
    },
    "ticket_type": {
        "revenue": "rev paid pay normal commercial full 일반 유상항공권 유임",
        "award": "awd bonus free redemption ff 보너스항공권 무상",
    },
    "kind": {
        "ticket": "tkt award bonus 보너스항공권 보너스",
        "upgrade": "upg up 좌석승급 업그레이드",
    },
    "cabin": {
        "economy": "eco y m ec coach 이코노미 일반",
        "prestige": "bus business c pr j 비즈니스 프레스티지석",
        "first": "f fst 퍼스트 일등",
    },
    "season": {
        "off_peak": "off offpeak low normal 비수기",
        "peak": "high pk 성수기시즌",
    },
    "trip": {
        "one_way": "ow oneway single 편도여정",
        "round_trip": "rt roundtrip return rtn 왕복여정",
    },
    "mixed_payments.channel": {
        "web": "homepage www pc internet online 웹 인터넷",
        "mobile": "app mob mbl 앱 모바일앱",
        "call_centre": "call cc callcenter callcentre phone 콜센터 서비스센터",
        "travel_agency": "agent agency ta trvl 대리점 여행대리점",
    },
    "flown": {
        "true": "boarded brd bd flown flew lifted used b/d ok 탑승 탑승완료 이용",
        "false": "noshow no-show ns nsh offloaded ofl cancelled cxl gosh 미탑승 노쇼 취소",
    },
    "refundable": {
        "true": "able possible refundable ok 가능 환급가능",
        "false": "unable impossible nonrefundable 불가 환급불가 불가능",
    },
    "recurring": {
        "true": "auto recurring regular 자동 정기 정기결제",
        "false": "once single manual onetime 일반 수동 단건",
    },
}
"""How others write our codes, beside the codes and their Korean labels: by column, and where an
export's differs by export and column.
"""

TOTALS: Final = (
    *(
        "합계",
        "총합계",
        "총계",
        "소계",
        "누계",
        "합 계",
        "총 합계",
        "계",
        "총건수",
        "조회건수",
        "총",
    ),
    *(
        "Total",
        "Grand Total",
        "Grand total",
        "Sub Total",
        "Subtotal",
        "Sum",
        "TOTAL",
        "GRAND TOTAL",
    ),
    *(
        "SUM",
        "total",
        "sum",
        "Totals",
        "Records",
        "Record count",
        "Rows",
        "End of",
        "END OF",
        "EOF",
    ),
    *("TRAILER", "TRL", "작성자", "출력일", "출력일시", "※", "***", "---", "==="),
)
"""With what lines begin that stand below the rows and are none."""

SCALES: Final[Mapping[str, int]] = {
    "천원": 1_000,
    "단위:천원": 1_000,
    "k": 1_000,
    "krw1000": 1_000,
    "만원": 10_000,
    "백만원": 1_000_000,
}
"""What amounts are counted in, as it stands in brackets behind a name."""

DAY_FORMATS: Final = (
    *("%d%b%y", "%d%b%Y", "%d-%b-%y", "%d-%b-%Y", "%d %b %Y", "%d %b %y", "%b %d, %Y", "%b %d %Y"),
    *(
        "%d %B %Y",
        "%B %d, %Y",
        "%Y-%b-%d",
        "%d/%b/%Y",
        "%d/%b/%y",
        "%y%m%d",
        "%y-%m-%d",
        "%y/%m/%d",
        "%y.%m.%d",
    ),
    *(
        "%d.%m.%Y",
        "%d/%m/%Y",
        "%m/%d/%Y",
        "%d-%m-%Y",
        "%m-%d-%Y",
        "%d.%m.%y",
        "%d/%m/%y",
        "%m/%d/%y",
    ),
    *("%d%m%Y", "%m%d%Y"),
)
"""How others write days, beside what every export may hold; the more usual ones first."""
TIME_FORMATS: Final = (
    *("", " %H:%M:%S", " %H:%M", " %I:%M:%S %p", " %I:%M %p", "-%H.%M.%S", " %H.%M.%S", " %H%M%S"),
    *(" %H%M", "%H%M%S", "%H%M", "T%H%M%S", "-%H.%M.%S.%f", " %I.%M.%S.%f %p", ":%H:%M:%S"),
)
"""What may stand behind such a day, or one in a form of every export."""
MONTH_FORMATS: Final = (
    "%b-%y",
    "%b%y",
    "%b-%Y",
    "%b %Y",
    "%y%m",
    "%m/%Y",
    "%m-%Y",
    "%y-%m",
    "%y/%m",
)
"""How others write months."""
