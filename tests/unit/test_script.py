"""Which script a text is in, and prose in the reader's."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.kb.phrases import BOTH, PAIRS, WORDINGS
from ingest.kb.script import _by_character, _convert, _cut, _words, convert_prose, detect_language, detect_script, to_script


@pytest.mark.parametrize(
    ("text", "script"),
    [
        ("資料庫與軟體", "zh-Hant"),
        ("数据库与软件", "zh-Hans"),
        ("大模型", None),
        ("占", None),
        ("台", None),
        ("里", None),
        ("占比", None),
        ("台北", None),
        ("公里", None),
        ("後來", "zh-Hant"),
        ("后来", "zh-Hans"),
        ("台灣的占比", "zh-Hant"),
        ("中国占 69.7%", "zh-Hans"),
        ("中國占 69.7%", "zh-Hant"),
        ("跑了 42 公里的選手", "zh-Hant"),
        ("皇后住在台中", None),
        ("", None),
        ("hello", None),
        ("資料\x00庫", "zh-Hant"),
    ],
)
def test_script(text: str, script: str | None) -> None:
    assert detect_script(text) == script


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("What is AI?", "en"),
        ("什麼是 AI？", "zh-Hant"),
        ("什么是 AI？", "zh-Hans"),
        ("GPT-4 的占比", "zh-Hans"),
        ("DeepSeek 以多少詞元居首？", "zh-Hant"),
        ("The word 人 means person in the Chinese language of today", "en"),
        ("123 %", "en"),
        ("", "en"),
    ],
)
def test_language(text: str, language: str) -> None:
    assert detect_language(text) == language


@pytest.mark.parametrize(
    ("text", "to", "converted"),
    [
        ("软件与信息", "zh-TW", "軟體與資訊"),
        ("软件与信息", "zh-Hant", "軟體與資訊"),
        ("软件", "zh-HK", "軟件"),
        ("軟體與資訊", "zh-Hans", "软件与信息"),
        ("已經是繁體的軟體", "zh-Hant", "已經是繁體的軟體"),
        ("已经是简体的软件", "zh-Hans", "已经是简体的软件"),
        ("大模型", "zh-Hans", "大模型"),
    ],
)
def test_prose(text: str, to: str, converted: str) -> None:
    assert convert_prose(text, to) == converted


def test_english_stays() -> None:
    assert to_script("software 软件", "en") == "software 软件"
    assert to_script("software", "zh-Hant") == "software"


def test_a_nul_does_not_cut_the_text() -> None:
    assert convert_prose("软件\x00信息", "zh-TW").endswith("資訊")


@pytest.mark.parametrize(
    ("text", "to", "converted"),
    [
        (
            "报告发布后，模型的参数与间接指标都公开了，项目仍在进程中。",
            "zh-TW",
            "報告發布後，模型的參數與間接指標都公開了，項目仍在進程中。",
        ),
        ("受访对象支持循环经济与法律程序。", "zh-TW", "受訪對象支持循環經濟與法律程序。"),
        ("程序员把文件夹里的软件代码扩展了。", "zh-TW", "程式設計師把資料夾裡的軟體程式碼擴展了。"),
        ("核心指標與時間序列見簡報，政策由機關執行，資料已整合。", "zh-Hans", "核心指标与时间序列见简报，政策由机关执行，数据已整合。"),
        ("程式設計師用軟體的資料夾與執行緒儲存向量。", "zh-Hans", "程序员用软件的文件夹与线程储存向量。"),
    ],
)
def test_words_of_reports_are_no_computing_terms(text: str, to: str, converted: str) -> None:
    assert convert_prose(text, to) == converted


# A sentence of the mainland, and as it is said in Taiwan.
TO_TAIWAN = """
公司发布了一条好消息。|公司發布了一條好消息。
有消息称央行将降息。|有消息稱央行將降息。
任务进入消息队列。|任務進入訊息佇列。
用户每天发送消息。|使用者每天傳送訊息。
北京市高级人民法院作出判决。|北京市高級人民法院作出判決。
高级管理人员与高级工程师出席。|高級管理人員與高級工程師出席。
这笔支出冲减了利润。|這筆支出沖減了利潤。
当事人可以申请行政复议。|當事人可以申請行政復議。
他们反复议论此事。|他們反覆議論此事。
网关把会话状态外置到共享存储。|閘道器把會話狀態外置到共享儲存。
投票程序与招聘程序公开透明。|投票程序與招聘程序公開透明。
他写程序，维护应用程序与小程序。|他寫程式，維護應用程式與小程式。
居民在国内存款增加。|居民在國內存款增加。
内存与内存条涨价。|記憶體與記憶體模組漲價。
国内核电装机上升。|國內核電裝機上升。
军队的士气很高。|軍隊的士氣很高。
许多任务尚未完成。|許多任務尚未完成。
多数组织支持这项政策。|多數組織支持這項政策。
政府促进制造业升级。|政府促進製造業升級。
应改进制度。|應改進制度。
企业收集成本数据。|企業收集成本資料。
不断提高清洁能源比重。|不斷提高清潔能源比重。
交通信号灯|交通訊號燈
通信行业使用激光与芯片。|通訊行業使用雷射與晶片。
他抹黑客户。|他抹黑客戶。
与去年相比特别明显。|與去年相比特別明顯。
结算法律关系复杂。|結算法律關係複雜。
预算法与决算法已修订。|預算法與決算法已修訂。
推荐算法与演算法偏见。|推薦演算法與演算法偏見。
在使用户外设备时|在使用戶外設備時
外交互信与外交互动|外交互信與外交互動
用户交互界面|使用者互動介面
存在线性关系。|存在線性關係。
这涉及安全角度。|這涉及安全角度。
落实时间表|落實時間表
汽车力学性能与模型性能|汽車力學性能與模型效能
创造性能力|創造性能力
股票代码与生成代码|股票代碼與生成程式碼
产业集群与万卡集群|產業集群與萬卡叢集
食品添加剂与局部地区|食品添加劑與局部地區
股价回调，刷新纪录。|股價回調，刷新紀錄。
主板市场与创业板|主板市場與創業板
经济运行平稳，全局稳定。|經濟運行平穩，全局穩定。
公司注销登记并发表声明。|公司註銷登記並發表聲明。
列车运行时发送旅客。|列車運行時發送旅客。
社交媒体与数字经济推动营销。|社群媒體與數位經濟推動行銷。
数字显示增长 3%。|數字顯示增長 3%。
数据报告指出|資料報告指出
监管部门审核并屏蔽信息。|監管部門審核並屏蔽資訊。
优秀案例与实例|優秀案例與實例
人工智能与智能手机|人工智慧與智慧型手機
因智能障碍而求助|因智能障礙而求助
计算机制造业|電腦製造業
软件、视频、网络、信息、默认、服务器|軟體、影片、網路、資訊、預設、伺服器
意大利与卡塔尔的互联网用户|義大利與卡達的網際網路使用者
参加纳税申报|參加納稅申報
知识产权与市场营销|智慧財產權與市場行銷
绿电制氢与干法工艺|綠電製氫與乾法工藝
我国扩大免签范围。|我國擴大免簽範圍。
按四舍五入或舍入处理|按四捨五入或捨入處理
里德与杰里到了马里。|里德與傑里到了馬里。
他到家里安装，走了两公里达到要求。|他到家裡安裝，走了兩公里達到要求。
火成岩与母岩的岩性|火成岩與母岩的岩性
善于应对冲突，面对更复杂的局面。|善於應對衝突，面對更複雜的局面。
最多只有一只，再增长几个百分点|最多只有一隻，再增長幾個百分點
巡回法庭与贸易伙伴|巡迴法庭與貿易夥伴
管制品与洗钱防制法|管制品與洗錢防制法
行政许可未准|行政許可未准
机制与体制改革，管理制单位|機制與體制改革，管理制單位
命令行为与命令行界面|命令行為與命令列介面
"""
TO_MAINLAND = """
許多工作往往在園區完成。|许多工作往往在园区完成。
許多工人、很多工具、太多工時|许多工人、很多工具、太多工时
多工處理與多工學習|多任务处理与多任务学习
投票程序與招聘程序|投票程序与招聘程序
應用程式的程序設計|应用程序的程序设计
他用擴音器說話。|他用扩音器说话。
社群媒體與社群網路|社交媒体与社交网络
社群的力量|社群的力量
開源社群|开源社区
人工智慧與智慧型手機|人工智能与智能手机
集體智慧與人的智慧|集体智慧与人的智慧
智慧財產權|知识产权
建立信任，建立聯繫。|建立信任，建立联系。
有意義的互動|有意义的互动
數位學者討論數位落差。|数位学者讨论数字鸿沟。
國內建設|国内建设
媒介面臨挑戰|媒介面临挑战
真相容易被掩蓋。|真相容易被掩盖。
不相容的系統|不兼容的系统
投資訊號與資訊業|投资信号与信息业
電子音樂|电子音乐
候選單位|候选单位
改變數量|改变数量
控制變數充滿變數。|控制变量充满变数。
指引數量|指引数量
電影片段與影片|电影片段与视频
投影片|幻灯片
執行長期計畫的執行長|执行长期计划的首席执行官
技術長足進步|技术长足进步
光輝達到頂點，輝達上漲。|光辉达到顶点，英伟达上涨。
司機率先離開，機率下降。|司机率先离开，概率下降。
安全形勢|安全形势
多位元老|多位元老
飛快取得快取|飞快取得缓存
系列印刷與列印|系列印刷与打印
語音訊息|语音消息
紀錄影響深遠|纪录影响深远
強硬體制與硬體|强硬体制与硬件
軟體系統與記憶體系統|软件系统与内存系统
參考資料與訓練資料|参考资料与训练数据
資料來源：主計總處|资料来源：主计总处
行政效能與模型效能|行政效能与模型性能
醫學影像與影像生成|医学影像与图像生成
國家檔案與檔案名稱|国家档案与文件名称
新增就業與區域性銀行|新增就业与区域性银行
宣告破產並停用藥物|宣告破产并停用药物
永續發展與永續經營|可持续发展与可持续经营
這次行程與撥出預算|这次行程与拨出预算
水平線上與線上服務|水平线上与线上服务
公開釋出善意|公开释出善意
理查德與查德|理查德与乍得
烏茲別克斯坦與烏茲別克|乌兹别克斯坦与乌兹别克斯坦
新華通訊社與通訊|新华通讯社与通信
隻字片語|只字片语
藥物使用者與使用者|药物使用者与用户
雷射、晶片、奈米、網路卡|激光、芯片、纳米、网卡
"""


def _cases(lines: str) -> list[list[str]]:
    return [line.split("|") for line in lines.strip().splitlines()]


@pytest.mark.parametrize(("text", "converted"), _cases(TO_TAIWAN))
def test_a_sentence_in_the_words_of_taiwan(text: str, converted: str) -> None:
    assert convert_prose("这：" + text, "zh-TW") == "這：" + converted


@pytest.mark.parametrize(("text", "converted"), _cases(TO_MAINLAND))
def test_a_sentence_in_the_words_of_the_mainland(text: str, converted: str) -> None:
    assert convert_prose("這：" + text, "zh-Hans") == "这：" + converted


@pytest.mark.parametrize("config", WORDINGS)
def test_words_that_are_listed_do_change_and_words_that_are_kept_do_not(config: str) -> None:
    wording, words = WORDINGS[config], _words(config)[0]
    assert [word for word in wording.taken if words[word] == _convert(wording.plain, word)] == []
    assert [word for word in wording.kept if words[word] != _convert(wording.plain, word)] == []
    assert not set(wording.kept) & (set(wording.taken) | set(wording.own))


def test_words_that_go_both_ways_come_back() -> None:
    there, back = _words("s2twp")[0], _words("tw2sp")[0]
    assert {word: back[there[word]] for word in (*BOTH, *PAIRS) if back[there[word]] != word} == {}


@pytest.mark.parametrize(("text", "converted"), [("冲减成本，申请复议", "沖減成本，申請復議"), ("服务器与软件", "伺服器與軟件")])
def test_hong_kong(text: str, converted: str) -> None:
    assert convert_prose(text, "zh-HK") == converted


def test_a_text_that_shows_no_script_has_that_of_its_surroundings() -> None:
    assert convert_prose("人工智慧", "zh-Hans") == "人工智慧"
    assert convert_prose("人工智慧", "zh-Hans", of="zh-Hant") == "人工智能"
    assert convert_prose("大模型", "zh-Hant", of="zh-Hant") == "大模型"


def test_a_text_in_as_much_of_either_script_is_converted() -> None:
    assert detect_script("参考文獻") is None
    assert convert_prose("参考文獻", "zh-Hans") == "参考文献"
    assert convert_prose("参考文獻", "zh-Hant") == "參考文獻"


@pytest.mark.parametrize("path", sorted(Path("corpus/digests/zh-hans").glob("*.md")), ids=lambda path: path.stem)
def test_a_digest_comes_back_from_taiwan_as_it_was(path: Path) -> None:
    lines = path.read_text("utf-8").splitlines()
    back = [convert_prose(convert_prose(line, "zh-Hant", of="zh-Hans"), "zh-Hans", of="zh-Hant") for line in lines]
    assert [(line, again) for line, again in zip(lines, back, strict=True) if line != again] == []


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])) | st.text(alphabet="对冲应突复杂制造里面只有更最多干 \x00\n😀"))
def test_traditional_characters_keep_the_length(text: str) -> None:
    assert len(_by_character("s2tw", _cut(text))) == len(text)
    assert _by_character("s2tw", _cut(text)).count("\n") == text.count("\n")


@given(st.text(alphabet="国内存软体程序员网络 \t\x00\n。,aé𠀀😀用户许多任务"))
def test_what_is_not_listed_keeps_its_place(text: str) -> None:
    assert convert_prose(text, "zh-TW").count("\n") == text.count("\n")
    assert convert_prose(text, "zh-Hans", of="zh-Hant").count("😀") == text.count("😀")


def test_a_sentence_takes_well_below_a_millisecond() -> None:
    sentence = "许多企业在国内存款与软件系统的性能方面取得了进展，尤其是数据中心与云计算服务的规模不断扩大。"
    convert_prose(sentence, "zh-TW")
    started = time.process_time()
    for _ in range(200):
        convert_prose(sentence, "zh-TW")
    assert (time.process_time() - started) / 200 < 0.001
