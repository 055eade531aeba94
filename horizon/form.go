package horizon

import (
	"embed"
	"html/template"
	"net/http"
	"strings"
)

//go:embed signin
var signinFiles embed.FS

var signinPage = template.Must(template.New("page.html").ParseFS(signinFiles, "signin/page.html"))

// A formView is what the sign-in form shows.
type formView struct {
	Next, User, Domain, Region string
	Secret                     string // that the form gives back
	Problem                    string // the name of a text
	Owed                       bool   // only the one-time code is missing
	Language                   string
	SignOns                    []SignOn
}

// Say is a text of the form in its language.
func (v formView) Say(name string) string { return say(v.Language, name) }

func writeForm(w http.ResponseWriter, r *http.Request, status int, v formView) {
	v.Language = language(r)
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Language", v.Language)
	w.WriteHeader(status)
	signinPage.Execute(w, v)
}

func signInStyle(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "public, max-age=3600")
	http.ServeFileFS(w, r, signinFiles, "signin/signin.css")
}

// language is the reader's: as chosen before, else as the browser says.
func language(r *http.Request) string {
	if l := r.URL.Query().Get("lang"); texts[l] != nil {
		return l
	}
	if c, err := r.Cookie(languageCookie); err == nil && texts[c.Value] != nil {
		return c.Value
	}
	first, _, _ := strings.Cut(r.Header.Get("Accept-Language"), ",")
	if strings.HasPrefix(strings.ToLower(first), "zh") {
		return "zh-CN"
	}
	return "en"
}

// say is a text in a language.
func say(language, name string) string { return texts[language][name] }

var texts = map[string]map[string]string{
	"en": {
		"title": "Sign in", "user": "User name", "password": "Password", "domain": "Domain", "passcode": "One-time code", "ifany": "only if your account has one", "more": "Domain and one-time code", "go": "Sign in", "with": "Sign in with", "region": "Region",
		"lead": "Servers, networks and volumes of your own.", "owed": "Enter the one-time code of your authenticator.",
		"wrong": "User name, password, domain or one-time code is not right, or the account is disabled.", "storm": "Too many sign-ins at the moment. Wait a few seconds and try again.",
		"stale": "This form was not made for this browser, or is too old. Please try again.", "bad": "The form could not be read. Please try again.",
		"nowhere": "You have signed in, but have no role in any project. Ask an administrator for one.", "code": "Enter the one-time code of your authenticator.",
		"expired": "The password has expired. Set a new one with: openstack user password set", "down": "The identity service does not answer. Please try again.",
	},
	"zh-CN": {
		"title": "登录", "user": "用户名", "password": "密码", "domain": "域", "passcode": "一次性验证码", "ifany": "仅当您的账户启用时填写", "more": "域和一次性验证码", "go": "登录", "with": "登录方式:", "region": "区域",
		"lead": "属于您自己的云主机、网络和卷。", "owed": "请输入身份验证器上的一次性验证码。",
		"wrong": "用户名、密码、域或一次性验证码不正确,或账户已被禁用。", "storm": "当前登录次数过多,请稍候几秒再试。",
		"stale": "此表单不是为本浏览器生成的,或已过期。请重试。", "bad": "无法读取表单,请重试。",
		"nowhere": "您已登录,但在任何项目中都没有角色。请联系管理员。", "code": "请输入身份验证器上的一次性验证码。",
		"expired": "密码已过期。请用以下命令设置新密码:openstack user password set", "down": "身份服务没有响应,请重试。",
	},
}
